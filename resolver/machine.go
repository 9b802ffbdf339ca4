package resolver

import (
	"context"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// SystemConfig is what this machine was given: servers, of which none is ours, a
// search list and options. Whether they are asked is up to the settings.
func (s *Server) SystemConfig() resolvconf.SystemConfig { return s.current().machine }

// isForeign says whether a server of the machine is not one of our listeners.
func (s *Server) isForeign(server netip.AddrPort) bool {
	return !upstream.IsOwn(*s.bound.Load(), upstream.Normalize(server), netip.Addr{})
}

// location is where the settings say that the machine's servers are told.
func (u Upstreams) location() resolvconf.Location {
	return resolvconf.Location{Root: u.Root, Path: u.ResolvConf, BackupDir: u.BackupDir}
}

// useSources takes the sources that settings ask for. The caller holds mu.
func (s *Server) useSources(settings Settings) {
	place := settings.Upstreams.location()
	switch {
	case place.Path == "":
		s.sources = nil
	case s.sources != nil && place == s.settings.Upstreams.location():
		return
	default:
		s.sources = resolvconf.NewSources(place)
		_, err := s.sources.Poll(s.clock())
		s.reportSources(settings.Upstreams, err)
	}
	s.choosePolled()
	if s.refollow != nil {
		s.refollow()
	}
}

// reportSources logs what is wrong with the sources. Without them there is no
// search list either, which is nothing odd.
func (s *Server) reportSources(upstreams Upstreams, err error) {
	if err != nil && upstreams.auto() {
		s.log.Warn("some of the machine's upstreams are not known", "error", err)
	}
}

// poll is for a Server without a Run: it reads the sources again if that is
// due, and says whether they changed.
func (s *Server) poll(sources *resolvconf.Sources, st *state) bool {
	changed, err := sources.Poll(s.clock())
	s.reportSources(st.settings.Upstreams, err)
	return changed
}

// following says whether Run follows the sources, so that queries need not.
func (s *Server) following(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followed = is
	s.choosePolled()
}

// choosePolled says which sources queries look at. The caller holds mu.
func (s *Server) choosePolled() {
	if s.followed {
		s.polled.Store(nil)
	} else {
		s.polled.Store(s.sources)
	}
}

// followSources notices changes of the sources until ctx ends. Settings may
// name other ones meanwhile, and a symlink that is kept lead elsewhere.
func (s *Server) followSources(ctx context.Context) {
	for ctx.Err() == nil {
		turn, cancel := context.WithCancel(ctx)
		if sources, root := s.beginTurn(cancel); sources == nil {
			<-turn.Done()
		} else {
			files := sources.Files()
			follower := follow.Follower{Root: root, Files: files, Logger: s.log}
			follower.Run(turn, func() {
				s.refresh(sources)
				if !slices.Equal(files, sources.Files()) {
					cancel()
				}
			})
		}
		cancel()
	}
}

// beginTurn returns the present sources. Other ones end the turn by cancel.
func (s *Server) beginTurn(cancel func()) (sources *resolvconf.Sources, root string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refollow = cancel
	return s.sources, s.settings.Upstreams.Root
}

// refresh reads the sources, and makes what they say count.
func (s *Server) refresh(sources *resolvconf.Sources) {
	changed, err := sources.Reload()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reportSources(s.settings.Upstreams, err)
	if changed && sources == s.sources {
		s.rebuild()
	}
}
