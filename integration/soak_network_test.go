package integration

import (
	"net/netip"
)

// soakPlaces is how many addresses a node moves between. No other node ever has
// one of them, for as many nodes as there are addresses from 10.88.0.100 on.
const soakPlaces, soakMostNodes = 12, 12

func (s *soak) cutNode(i, _ int)    { s.nodes[i].cut() }
func (s *soak) reconnectNode(i int) { s.nodes[i].reconnect() }

func (s *soak) unplugNode(i, _ int) {
	n := s.nodes[i]
	must(s.t, n.net.LinkSetDown(n.link("eth0")))
}

// plugNode brings the link up. With it have gone the addresses of IPv6 and all
// routes.
func (s *soak) plugNode(i int) {
	n := s.nodes[i]
	n.up("eth0")
	n.route(routerV4, nil)
	must(s.t, n.net.AddrReplace(n.link("eth0"), onLink(n.v6())))
	n.route(routerV6, nil)
}

func (s *soak) moveNode(i, param int) {
	n := s.nodes[i]
	old, _ := n.id.present()
	addr := netip.AddrFrom4([4]byte{10, 88, 0, byte(100 + i*soakPlaces + param%soakPlaces)})
	if addr == old {
		addr = n.v4()
	}
	n.id.becomes(addr)
	n.labels[n.label].becomes(addr)
	n.withdraw(old)
	n.assign(addr)
}

// flakyUpstream is the index of the upstream of our own.
const flakyUpstream = 3

func (s *soak) cutUpstream(i, _ int)    { s.upstreams[i].cut() }
func (s *soak) reconnectUpstream(i int) { s.upstreams[i].reconnect() }
func (s *soak) slowUpstream(_, _ int)   { s.flaky.mood.Store(flakySlow) }
func (s *soak) spoilUpstream(_, _ int)  { s.flaky.mood.Store(flakyGarbage) }
func (s *soak) failUpstream(_, _ int)   { s.flaky.mood.Store(flakyFails) }
func (s *soak) healUpstream(int)        { s.flaky.mood.Store(flakyWell) }
