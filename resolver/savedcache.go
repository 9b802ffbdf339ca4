package resolver

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

var (
	errNoBootID = errors.New("the ID of this boot cannot be read, so no cache is handed over")
	errFlushed  = errors.New("the cache has been flushed since")
)

// SaveCache writes the answers in the cache, for LoadCache of the next process on
// this machine before its next boot, and returns how many there are.
func (s *Server) SaveCache(w io.Writer) (entries int, err error) {
	origin, err := s.origin(s.state.Load())
	if err != nil {
		return 0, err
	}
	return s.cache.Save(w, origin, s.clock())
}

// LoadCache takes what SaveCache wrote up to a minute ago, and returns how many
// answers that were. It takes nothing, and the error has why, if it is damaged, or of
// another version, boot or network, or of other upstreams or settings than there are
// now: all that a Server which had lived on would have flushed for, and any flush
// that was asked for since this one was made. What may be anything is read with
// care: r need not be trusted more than an upstream is.
//
// It may be called once Listen has been called and the zone has this machine's
// addresses.
func (s *Server) LoadCache(r io.Reader) (entries int, err error) {
	// A change that the digests below do not have yet flushes after this.
	asked := s.cache.Epoch()
	if s.flushed.Load() {
		return 0, errFlushed
	}
	origin, err := s.origin(s.state.Load())
	if err != nil {
		return 0, err
	}
	return s.cache.Load(r, origin, asked, s.clock())
}

// origin stands for what flushes the cache when it changes, see the callers of
// Flush and FlushForeign, and for what cannot change while a Server lives.
func (s *Server) origin(st *state) (cache.Origin, error) {
	boot, snapshot := s.bootID(), s.zone()
	if boot == "" {
		return cache.Origin{}, errNoBootID
	}
	var foreign struct {
		Search [][]byte
		Hosts  [sha256.Size]byte
		Names  [sha256.Size]byte
	}
	for _, domain := range st.search {
		foreign.Search = append(foreign.Search, domain)
	}
	foreign.Hosts, foreign.Names = s.hosts.Table().Digest(), fileNames(snapshot)
	all, err := digest(struct {
		Boot     string
		Prefix   zone.Prefix
		Node     zone.ID
		Local    []netip.Addr
		Servers  []upstream.Server
		Routes   []Route
		Settings Settings
	}{
		boot, snapshot.Prefix(), snapshot.Local().ID(), slices.Collect(snapshot.Local().Addrs()),
		st.targets.Servers.Servers(), st.queriedRoutes(), answersDependOn(st.settings),
	})
	if err != nil {
		return cache.Origin{}, err
	}
	others, err := digest(foreign)
	return cache.Origin{All: all, Foreign: others}, err
}

// answersDependOn are the settings without those that decide neither what the
// upstreams answer nor which of it is kept. The servers are those that are queried.
func answersDependOn(settings Settings) Settings {
	u := settings.Upstreams
	return Settings{
		Domains: settings.Domains, SingleLabel: settings.SingleLabel,
		Upstreams: Upstreams{TrustAD: u.TrustAD, RebindProtection: u.RebindProtection, RebindAllow: u.RebindAllow},
	}
}

// queriedRoutes are the routes, that of the search list too, with the servers that
// are queried for their names.
func (st *state) queriedRoutes() (routes []Route) {
	for i, group := range st.targets.Routed {
		routes = append(routes, Route{st.routed[i].Domains, group.Servers()})
	}
	return routes
}

// fileNames stands for the names that files give to nodes.
func fileNames(snapshot *zone.Snapshot) (sum [sha256.Size]byte) {
	if !snapshot.HasFileNames() {
		return sum
	}
	h, line := sha256.New(), []byte(nil)
	for n := range snapshot.All() {
		names := namesFromFiles(n)
		if len(names) == 0 {
			continue
		}
		line = n.AppendID(line[:0])
		for _, name := range names {
			line = append(append(line, ' '), name...)
		}
		_, _ = h.Write(append(line, '\n')) // never fails
	}
	h.Sum(sum[:0])
	return sum
}

func digest(v any) ([sha256.Size]byte, error) {
	text, err := json.Marshal(v)
	return sha256.Sum256(text), err
}
