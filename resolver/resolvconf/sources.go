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
	// interval is how often Look reads the sources, at most.
	interval = time.Second
	// rewriting is how long a source may say nothing before it counts: whoever
	// writes a file in place empties it first, and some remove it.
	rewriting = time.Second
)

// errNone says that no source is there, or can be read.
var errNone = errors.New("the machine's servers are not known: there is no resolv.conf but our own")

// Sources are the files that tell the machine's servers. Their methods may be
// called concurrently.
type Sources struct {
	place Place
	next  atomic.Int64 // when Look is to read again, as a time.Duration

	mu     sync.Mutex            // held while the files are read
	failed string                // the error that was told last
	silent [numSources]time.Time // since when each of them says nothing that did; zero: no such
	known  atomic.Pointer[[numSources]told]
}

// Machine is what the machine was given: the servers of the first source that
// has a usable one, a listener of systemd-resolved only if none has another, and
// the search list and the options of the first that has any.
type Machine struct {
	Contents
	From string // the source of the servers, or "" if none is usable
}

// Equal says whether two machines were given the same, from the same source.
func (m Machine) Equal(other Machine) bool {
	return m.From == other.From && m.Contents.equal(other.Contents)
}

// Follow returns Sources that have not been read yet.
func Follow(place Place) *Sources {
	s := &Sources{place: place}
	s.known.Store(new([numSources]told))
	return s
}

// Look reads the sources unless it did so in the last second, by any clock that
// goes on. It returns what Refresh does.
func (s *Sources) Look(now time.Duration) (changed bool, err error) {
	next := s.next.Load()
	if int64(now) < next || !s.next.CompareAndSwap(next, int64(now+interval)) {
		return false, nil
	}
	return s.Refresh()
}

// Refresh reads the sources, and says whether they say something else than
// before. While none can be read, what was known stands, and so it does for a
// moment of each that is empty or missing. The same error is returned once.
func (s *Sources) Refresh() (changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.place.survey()
	known := *s.known.Load()
	s.bridge(&found, &known, time.Now())
	none := !slices.ContainsFunc(found[:], func(t told) bool { return t.from != "" })
	if none && err == nil {
		err = errNone
	}
	if text := errorText(err); text == s.failed {
		err = nil
	} else {
		s.failed = text
	}
	if none || slices.EqualFunc(found[:], known[:], told.equal) {
		return false, err
	}
	s.known.Store(&found)
	return true, err
}

// bridge has what was known of a source stand while that is perhaps about to be
// written anew.
func (s *Sources) bridge(found, known *[numSources]told, now time.Time) {
	for i := range found {
		switch {
		case !found[i].saysNothing() || known[i].saysNothing():
			s.silent[i] = time.Time{}
			continue
		case s.silent[i].IsZero():
			s.silent[i] = now
		}
		if now.Sub(s.silent[i]) < rewriting {
			found[i] = known[i]
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Machine chooses among what was read last. Servers that are not usable do not
// count; nil finds all of them so.
func (s *Sources) Machine(usable func(netip.AddrPort) bool) Machine {
	return choose(s.known.Load()[:], usable)
}

// Files are the paths of all sources as things are now, for whoever calls
// Refresh when one of them changes. They lie below the root of the Place.
func (s *Sources) Files() []string { return s.place.files() }

func choose(sources []told, usable func(netip.AddrPort) bool) (m Machine) {
	first := func(fits func(netip.AddrPort) bool) {
		for _, t := range sources {
			servers := slices.DeleteFunc(slices.Clone(t.Servers), func(s netip.AddrPort) bool {
				return usable != nil && !usable(s) || !fits(s)
			})
			if len(servers) > 0 && m.From == "" {
				m.Servers, m.From = servers, t.from
			}
		}
	}
	first(func(s netip.AddrPort) bool { return !isResolved(s) })
	first(isResolved)
	for _, t := range sources {
		if m.Search == nil {
			m.Search = t.Search
		}
		if m.Options == nil {
			m.Options = t.Options
		}
	}
	return m
}

// isResolved says whether a server is where systemd-resolved listens. That one
// takes its servers from resolv.conf, and so would ask us in turn while that
// points at us; whom it asks is told by its own file. Nor can a container ask
// it.
func isResolved(server netip.AddrPort) bool {
	return server == netip.MustParseAddrPort("127.0.0.53:53") || server == netip.MustParseAddrPort("127.0.0.54:53")
}
