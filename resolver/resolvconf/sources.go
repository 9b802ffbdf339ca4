package resolvconf

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pollInterval is how often Poll reads the sources, at most.
	pollInterval = time.Second
	// blankTimeout is how long a source may be blank before it counts: a
	// program that writes a file in place empties it first, and some remove it.
	blankTimeout = time.Second
)

// errNone means that no source is there, or can be read.
var errNone = errors.New("the machine's servers are not known: there is no resolv.conf but our own")

// Sources are the files that list the machine's servers. Their methods may be
// called concurrently.
type Sources struct {
	location  Location
	hostnames Hostnames
	next      atomic.Int64 // when Poll is to read again, as a time.Duration

	mu         sync.Mutex            // held while the files are read
	failed     string                // the error that was logged last
	blankSince [numSources]time.Time // since when each of them has become blank; zero: it has not
	again      time.Duration         // of Again
	known      atomic.Pointer[[numSources]source]
}

// SystemConfig is what the machine is configured with: the servers of the first
// source that has a usable one, a listener of systemd-resolved only if none has
// another, and the search list and the options of the first that has any. Of
// the search list only domain names are left.
type SystemConfig struct {
	Contents
	From string // the source of the servers, or "" if none is usable
	// Unlisted means that there is none, since resolv.conf lists none at all:
	// programs ask Default then.
	Unlisted bool
	// SearchServers are the usable servers of the source that has the search list.
	SearchServers []netip.AddrPort
	// Derived means that no source has a search list, and Search is the domain of
	// the hostname.
	Derived bool
}

// Default is the server of a machine whose resolv.conf lists none, or is not
// there (resolv.conf(5)). Whether it answers its users have to find out.
var Default = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dnsPort)

// Equal reports whether two configurations are the same, from the same source.
func (m SystemConfig) Equal(other SystemConfig) bool {
	return m.From == other.From && m.Unlisted == other.Unlisted && m.Derived == other.Derived &&
		slices.Equal(m.SearchServers, other.SearchServers) && m.Contents.equal(other.Contents)
}

// NewSources returns Sources that have not been read yet.
func NewSources(place Location, hostnames Hostnames) *Sources {
	s := &Sources{location: place, hostnames: hostnames}
	s.known.Store(new([numSources]source))
	return s
}

// Poll reads the sources unless it did so in the last second, by any monotonic
// clock. It returns what Reload does.
func (s *Sources) Poll(now time.Duration) (changed bool, err error) {
	next := s.next.Load()
	if int64(now) < next || !s.next.CompareAndSwap(next, int64(now+pollInterval)) {
		return false, nil
	}
	return s.Reload()
}

// Reload reads the sources, and reports whether they list something else than
// before. While none can be read, the last result stays valid, and so does that
// of a source that is empty or missing for a moment. The same error is returned
// once.
func (s *Sources) Reload() (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.location.readSources()
	known := *s.known.Load()
	s.debounce(&found, &known, time.Now())
	none := !slices.ContainsFunc(found[:], func(t source) bool { return t.from != "" })
	if none && err == nil {
		err = errNone
	}
	if text := errorText(err); text == s.failed {
		err = nil
	} else {
		s.failed = text
	}
	if none || slices.EqualFunc(found[:], known[:], source.equal) {
		return false, err
	}
	s.known.Store(&found)
	return true, err
}

// Again returns how long after the last reading of the sources there is to be
// another one at the latest, since a source is blank and does not count as that
// yet; 0: it does not matter.
func (s *Sources) Again() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.again
}

// debounce keeps the last content of a source while that may be about to be
// written again.
func (s *Sources) debounce(found, known *[numSources]source, now time.Time) {
	s.again = 0
	for i := range found {
		switch {
		case !found[i].isBlank() || known[i].isBlank():
			s.blankSince[i] = time.Time{}
			continue
		case s.blankSince[i].IsZero():
			s.blankSince[i] = now
		}
		if left := blankTimeout - now.Sub(s.blankSince[i]); left > 0 {
			found[i] = known[i]
			s.again = max(s.again, left)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// SystemConfig chooses among what was read last. Servers that are not usable do
// not count; with nil all are usable.
func (s *Sources) SystemConfig(usable func(netip.AddrPort) bool) SystemConfig {
	m := choose(s.known.Load()[:], usable)
	if domain := s.hostnames.ownDomain(); m.Search == nil && domain != "" {
		m.Search, m.Derived = []string{domain}, true
	}
	return m
}

// Files returns the present paths of all sources, for a caller that calls
// Reload when one of them changes. They lie below the root of the Location.
func (s *Sources) Files() []string { return s.location.files() }

func choose(sources []source, usable func(netip.AddrPort) bool) (m SystemConfig) {
	those := func(t source, fits func(netip.AddrPort) bool) []netip.AddrPort {
		return slices.DeleteFunc(slices.Clone(t.Servers), func(s netip.AddrPort) bool {
			return usable != nil && !usable(s) || !fits(s)
		})
	}
	isOther := func(s netip.AddrPort) bool { return !isResolved(s) }
	for _, fits := range []func(netip.AddrPort) bool{isOther, isResolved} {
		for _, t := range sources {
			if servers := those(t, fits); len(servers) > 0 && m.From == "" {
				m.Servers, m.From = servers, t.from
			}
		}
	}
	m.Unlisted = m.From == "" && len(sources[0].Servers) == 0
	for _, t := range sources {
		if m.Search == nil && t.Search != nil {
			m.Search, m.SearchServers = domains(t.Search), those(t, isOther)
		}
		if m.Options == nil {
			m.Options = printable(t.Options)
		}
	}
	return m
}

// isResolved reports whether a server is where systemd-resolved listens. That
// one takes its servers from resolv.conf, and so would query us in turn while
// that points at us; its servers are in its own file. Nor can a container reach
// it.
func isResolved(server netip.AddrPort) bool {
	return server == netip.MustParseAddrPort("127.0.0.53:53") || server == netip.MustParseAddrPort("127.0.0.54:53")
}
