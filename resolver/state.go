package resolver

import (
	"slices"

	"github.com/nodedns/nodedns/resolver/decision"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/routes"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// state is what the settings and the machine's resolv.conf come to. It never
// changes; a new one replaces it.
type state struct {
	settings Settings
	rules    *decision.Rules
	machine  *resolvconf.File
	search   []decision.Name
	servers  *upstream.Group // all of them
	private  *upstream.Group // those on private addresses
	routes   *routes.Table[decision.Route]
	routed   []*upstream.Group // of each route
	reach    decision.Reach
}

// current is the newest state. It looks at resolv.conf when that is due, so
// that a Server without a goroutine sees its changes too.
func (s *Server) current() *state {
	st := s.state.Load()
	if st.machine == nil || !s.look(st.machine, st.settings.Upstreams) {
		return st
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rebuild()
	return s.state.Load()
}

// look reads a resolv.conf again if that is due, and says whether it changed.
func (s *Server) look(file *resolvconf.File, upstreams Upstreams) bool {
	changed, err := file.Look(s.clock())
	// Without the file there is no search list either, which is nothing odd.
	if err != nil && upstreams.auto() {
		s.log.Warn("the machine's upstreams are not known", "error", err)
	}
	return changed
}

// rebuild makes the state anew. The caller holds mu.
func (s *Server) rebuild() {
	st := &state{settings: s.settings, rules: s.rules, machine: s.machine, routes: s.routes}
	var machines []upstream.Server
	if s.machine != nil {
		contents := s.machine.Contents()
		st.search = searchList(contents.Search)
		for _, addr := range contents.Servers {
			machines = append(machines, upstream.Plain(addr))
		}
	}
	var candidates, private []upstream.Server
	for _, server := range s.settings.Upstreams.Servers {
		if server == Auto {
			candidates = append(candidates, machines...)
		} else {
			candidates = append(candidates, server)
		}
	}
	for _, server := range candidates {
		if decision.IsPrivate(upstream.Normalize(server.Addr).Addr()) {
			private = append(private, server)
		}
	}
	lists := [][]upstream.Server{candidates, private}
	for _, route := range s.settings.Upstreams.Routes {
		lists = append(lists, route.Servers)
	}
	groups := s.pool.Use(upstream.Options{
		Timeout:       s.settings.Upstreams.Timeout,
		RandomizeCase: s.settings.Upstreams.RandomizeCase,
	}, lists...)
	st.servers, st.private, st.routed = groups[0], groups[1], groups[2:]
	servers := st.servers.Servers()
	switch {
	case len(st.private.Servers()) > 0:
		st.reach = decision.ReachPrivate
	case len(servers) > 0:
		st.reach = decision.ReachPublic
	}
	old := s.state.Swap(st)
	if old == nil || !slices.Equal(old.servers.Servers(), servers) {
		s.log.Info("upstreams", "servers", servers, "search", len(st.search))
		s.cache.Flush() // others may know other answers
	}
}

// searchList leaves out what is no domain name, as the C library does.
func searchList(domains []string) (names []decision.Name) {
	for _, domain := range domains {
		if name, err := decision.ParseName(domain); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// decide tells what a question gets now.
func (s *Server) decide(q *decision.Question, st *state) decision.Verdict {
	view := decision.View{
		Zone:   s.zone(),
		Now:    s.clock(),
		Rules:  st.rules,
		Search: st.search,
		Hosts:  s.hostLines(),
		Routes: st.routes,
		Reach:  st.reach,
	}
	if st.settings.Cache.Size > 0 {
		view.Cache = s.cache
	}
	return decision.Decide(q, &view)
}
