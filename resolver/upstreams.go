package resolver

import (
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// SystemConfig is what this machine was configured with: servers, without our
// own listeners, a search list and options. Whether they are asked is up to the
// settings.
func (s *Server) SystemConfig() resolvconf.SystemConfig { return s.current().machine }

// LocalDomain is that of the settings.
func (s *Server) LocalDomain() string { return s.current().settings.LocalDomain() }

// Upstreams are the servers that are asked now for what no route has, in their
// order. Our own listeners are not among them.
func (s *Server) Upstreams() []upstream.Server { return s.current().targets.Servers.Servers() }

// Alternatives are the sources of the machine's servers that list some which
// answer while none of those asked does. They are probed, and not asked for
// anything else: a name that is looked up in one network is not for another.
func (s *Server) Alternatives() []resolvconf.Alternative {
	living := s.pool.Answering()
	all := []resolvconf.Alternative{}
	for _, a := range s.current().alternatives {
		a.Servers = slices.DeleteFunc(slices.Clone(a.Servers), func(addr netip.Addr) bool {
			return !slices.Contains(living, standbyServer(addr))
		})
		if len(a.Servers) > 0 {
			all = append(all, a)
		}
	}
	return all
}

func standbyServer(addr netip.Addr) upstream.Server {
	return upstream.Plain(netip.AddrPortFrom(addr, 53))
}

func standbyServers(alternatives []resolvconf.Alternative) (servers []upstream.Server) {
	for _, a := range alternatives {
		for _, addr := range a.Servers {
			servers = append(servers, standbyServer(addr))
		}
	}
	return servers
}

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
			e.Routes = append(e.Routes, st.routed[i].Domains...)
			if i >= len(st.settings.Upstreams.Routes) {
				e.Searched = append(e.Searched, st.routed[i].Domains...)
			}
		}
	}
	return all
}
