package resolver

import (
	"slices"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/routes"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// searchRoute is the route of the domains of a search list that are below local.
// Many sites have had their domain there since before that meant multicast DNS
// (RFC 6762, appendix G): the list says that this is one. They go to the servers
// that come with the list, as no others have them, and only where no configured
// route has them. Without such a domain, or a server, there is none.
func searchRoute(machine resolvconf.SystemConfig, configured *routes.Table[decision.Route]) (route Route, found bool) {
	for _, domain := range machine.Search {
		name, err := decision.ParseName(domain)
		if err != nil || !decision.InMulticast(name) {
			continue
		}
		if _, labels, ok := configured.Lookup(name); !ok || labels == 0 {
			route.Domains = append(route.Domains, domain)
		}
	}
	servers := machine.SearchServers
	if len(servers) == 0 {
		servers = machine.Servers
	}
	for _, server := range servers {
		route.Servers = append(route.Servers, upstream.Plain(server))
	}
	return route, len(route.Domains) > 0 && len(route.Servers) > 0
}

// addSearchRoute adds the route of the search list to those of a state, if it has
// one. Its table has no error to report: the domains are names, and in no other
// route.
func (s *Server) addSearchRoute(st *state) {
	route, found := searchRoute(st.machine, s.routes)
	if !found {
		return
	}
	routed := append(slices.Clone(st.routed), route)
	if table, err := tableOf(routed, len(st.routed)); err == nil {
		st.routed, st.routes = routed, table
	}
}

// SearchRoute are the domains of the search list below local whose names are
// forwarded, and where to. They take no configuration.
func (s *Server) SearchRoute() (route Route, found bool) {
	st := s.current()
	if configured := len(st.settings.Upstreams.Routes); len(st.routed) > configured {
		route = st.routed[configured]
		return Route{slices.Clone(route.Domains), slices.Clone(route.Servers)}, true
	}
	return Route{}, false
}
