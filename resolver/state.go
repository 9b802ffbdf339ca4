package resolver

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/forward"
	"github.com/nodedns/nodedns/resolver/internal/routes"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// state is derived from the settings and the machine's resolv.conf. It is
// immutable; a new one replaces it.
type state struct {
	settings Settings
	rules    *decision.Rules
	machine  resolvconf.SystemConfig
	search   []decision.Name
	targets  forward.Targets
	// alternatives are the sources that could be named in the place of the
	// machine's.
	alternatives []resolvconf.Alternative
	// routed are the configured routes, and that of the search list; routes is
	// the table of them.
	routed []Route
	routes *routes.Table[decision.Route]
	// loopback is set if all clients on this machine are answered.
	loopback bool
}

// allows reports whether clients at an address are answered. Nearly all are on
// this machine.
func (st *state) allows(client netip.Addr) bool {
	return st.loopback && client.IsLoopback() || st.settings.allows(client)
}

// current is the newest state. Without a Run it reads the machine's servers
// when that is due.
func (s *Server) current() *state {
	s.machine.poll()
	return s.state.Load()
}

// update rebuilds the state from its current inputs.
func (s *Server) update() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rebuild()
}

// rebuild is update for callers that hold mu.
func (s *Server) rebuild() {
	st := &state{settings: s.settings, rules: s.rules, routed: s.settings.Upstreams.Routes, routes: s.routes}
	bound := *s.bound.Load()
	isForeign := func(server netip.AddrPort) bool {
		return !upstream.IsOwn(bound, upstream.Normalize(server), netip.Addr{})
	}
	st.machine = s.machine.config(isForeign)
	if s.local.want(s.settings.Upstreams.auto() && st.machine.Unlisted && isForeign(resolvconf.Default)) {
		st.machine.Servers, st.machine.From = []netip.AddrPort{resolvconf.Default}, fromDefault
	}
	st.search = searchList(st.machine.Search)
	s.addSearchRoute(st)
	var machines []upstream.Server
	for _, addr := range st.machine.Servers {
		machines = append(machines, upstream.Plain(addr))
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
	for _, route := range st.routed {
		lists = append(lists, route.Servers)
	}
	groups := s.pool.Use(upstream.Options{
		Timeout:       s.settings.Upstreams.Timeout,
		RandomizeCase: s.settings.Upstreams.RandomizeCase,
	}, lists...)
	if rotate := slices.Contains(st.machine.Options, "rotate"); rotate && slices.Equal(s.settings.Upstreams.Servers, []upstream.Server{Auto}) {
		groups[0], groups[1] = groups[0].Rotated(), groups[1].Rotated()
	}
	st.alternatives = s.machine.alternatives(st.machine, isForeign)
	s.pool.Standby(groups[0], standbyServers(st.alternatives))
	st.targets = forward.Targets{
		Servers: groups[0], Private: groups[1], Routed: groups[2:], Sites: s.sites,
		RebindProtection: s.settings.Upstreams.RebindProtection, Ours: s.isOurs, TrustAD: s.settings.Upstreams.TrustAD,
	}
	st.loopback = st.settings.allowsLoopback()
	st.targets.Setup = decision.Setup{Rules: st.rules, Search: st.search, Routes: st.routes, IPv6Loopback: s.loopback6}
	if st.settings.Cache.Size > 0 {
		st.targets.Cache = s.cache
	}
	switch {
	case len(st.targets.Private.Servers()) > 0:
		st.targets.Reach = decision.ReachPrivate
	case len(st.targets.Servers.Servers()) > 0:
		st.targets.Reach = decision.ReachPublic
	}
	s.replace(st)
}

// replace makes a state the newest, and logs changes of the upstreams.
func (s *Server) replace(st *state) {
	old := s.state.Swap(st)
	servers := st.targets.Servers.Servers()
	sameRoutes := old != nil && sameGroups(old.targets.Routed, st.targets.Routed)
	sameServers := old != nil && slices.Equal(old.targets.Servers.Servers(), servers)
	if !sameServers || st.source() != old.source() {
		s.log.Info("upstreams", "servers", servers, "from", st.source(), "search", len(st.search))
	}
	switch {
	case !sameServers, !sameRoutes:
		s.cache.Flush() // other upstreams may have other answers
	case !slices.EqualFunc(old.search, st.search, func(a, b decision.Name) bool { return string(a) == string(b) }):
		s.cache.FlushForeign() // nodes' names with its domains are ours
	}
	if !sameServers || !sameRoutes || !old.machine.Equal(st.machine) {
		s.changed()
	}
}

// sameGroups reports whether the servers of routes are the same.
func sameGroups(was, is []*upstream.Group) bool {
	return slices.EqualFunc(was, is, func(a, b *upstream.Group) bool { return slices.Equal(a.Servers(), b.Servers()) })
}

// source is where the servers of Auto are from, or "" if none are asked.
func (st *state) source() string {
	if !st.settings.Upstreams.auto() {
		return ""
	}
	return st.machine.From
}

// searchList is a search list as names.
func searchList(domains []string) (names []decision.Name) {
	for _, domain := range domains {
		if name, err := decision.ParseName(domain); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// decide decides on a question at a point in time. The verdict must be zero.
func (s *Server) decide(v *decision.Verdict, q *decision.Question, st *state, now time.Duration) {
	view := s.view(&st.targets, now)
	decision.DecideInto(v, q, &view)
}

// view is all that is known at a point in time.
func (s *Server) view(t *forward.Targets, now time.Duration) decision.View {
	return decision.View{Zone: s.zone(), Now: now, Hosts: s.hosts.Table(), Setup: &t.Setup}
}
