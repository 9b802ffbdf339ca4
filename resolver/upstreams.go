package resolver

import (
	"slices"

	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// SystemConfig is what this machine was configured with: servers, without our
// own listeners, a search list and options. Whether they are asked is up to the
// settings.
func (s *Server) SystemConfig() resolvconf.SystemConfig { return s.current().machine }

// Upstreams are the servers that are asked now for what no route has, in their
// order. Our own listeners are not among them.
func (s *Server) Upstreams() []upstream.Server { return s.current().targets.Servers.Servers() }

// UpstreamStatus is that of each server that may be asked: the general ones in
// their order, and then those of routes.
func (s *Server) UpstreamStatus() []upstream.Status {
	st := s.current()
	known := map[string]upstream.Status{}
	for _, status := range s.pool.Status() {
		known[status.Server] = status
	}
	all := []upstream.Status{}
	entry := func(server upstream.Server) *upstream.Status {
		text := server.String()
		i := slices.IndexFunc(all, func(u upstream.Status) bool { return u.Server == text })
		if i < 0 {
			status, ok := known[text]
			if !ok { // the state was replaced meanwhile
				status = upstream.NewStatus(server)
			}
			i = len(all)
			all = append(all, status)
		}
		return &all[i]
	}
	for _, server := range st.targets.Servers.Servers() {
		entry(server).General = true
	}
	for i, group := range st.targets.Routed {
		for _, server := range group.Servers() {
			e := entry(server)
			e.Routes = append(e.Routes, st.settings.Upstreams.Routes[i].Domains...)
		}
	}
	return all
}
