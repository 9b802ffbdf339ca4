package integration

import (
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
)

// learntOfServers are names whose owners have made a mistake, and what becomes of
// other names.
func learntOfServers() []everydayRow {
	after := func(bad func(q query) []byte) func(s *site) string {
		return func(s *site) string {
			s.behind(s.server(says(func(q query) []byte {
				switch {
				case strings.HasPrefix(q.name(), "bad."):
					return bad(q)
				case q.wantsSignatures():
					return q.properly(goodRecord, goodSignature)
				}
				return q.properly(goodRecord)
			})))
			if got := s.signed("before.example"); got != "signed" {
				return "never signed"
			}
			s.ask("bad.example")
			return s.signed("good.example")
		}
	}
	return []everydayRow{
		{
			"a name gets FORMERR, passed on from its own server; then another one is asked for with its signatures",
			"signed", after(func(q query) []byte { return q.fails(1) }), nil,
		},
		{
			"the same, where the answer for the first name can't be read",
			"signed", after(func(q query) []byte { m := q.reply(goodRecord); return m[:len(m)-3] }), nil,
		},
	}
}

// wantsSignatures is whether the query has DO.
func (q query) wantsSignatures() bool {
	var m dns.Msg
	if err := m.Unpack([]byte(q)); err != nil {
		return false
	}
	opt := m.IsEdns0()
	return opt != nil && opt.Do()
}

// goodSignature looks like the one of goodRecord.
var goodSignature = wireRecord(dns.TypeRRSIG, 300,
	"\x00\x01\x0d\x02\x00\x00\x01\x2c\x7f\xff\xff\xff\x60\x00\x00\x00\x12\x34\x07example\x00"+strings.Repeat("s", 64))

// signed states whether an answer has its signature.
func (s *site) signed(name string) string {
	s.t.Helper()
	query := newQuery(name)
	query.IsEdns0().SetDo()
	m, err := s.exchange("udp", query, answerWithin)
	if got := outcome(m, err); got != answered {
		return got
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == dns.TypeRRSIG {
			return "signed"
		}
	}
	return "not signed"
}

// endedFailures are failures that are over: how long it takes until names are
// resolved again.
func endedFailures() []everydayRow {
	return []everydayRow{
		{
			"a server restarts: it refuses for 0.3 s, while a name is asked for",
			answered, restartedServer, nil,
		},
		{
			"a name is asked for before there is a route to the server",
			answered, lateRoute, nil,
		},
		{
			"a server says nothing for 8 s, while a name is asked for",
			answered, networkOutage, nil,
		},
	}
}

func restartedServer(s *site) string {
	does := script{udp: answersProperly, tcp: answersWellByTCP}
	server := s.server(does)
	s.behind(server)
	if got := s.ask("before.example"); got != answered {
		return got + " at first"
	}
	server.stop()
	_, _ = s.exchange("udp", newQuery("name.example"), 300*time.Millisecond) // it fails, of course
	time.Sleep(300 * time.Millisecond)
	startScripted(s.servers.machine, server.addr(), does)
	return s.untilAnswered("name.example")
}

// lateRoute has the node on its own, with an address that no other is beside.
func lateRoute(s *site) string {
	server := s.server(script{udp: answersProperly, tcp: answersWellByTCP})
	alone := onLink(s.node.v4())
	alone.Mask = net.CIDRMask(32, 32)
	must(s.t, s.node.net.AddrAdd(s.node.link("eth0"), alone))
	s.start(wiring{servers: addrsOf(server)})
	_, _ = s.exchange("udp", newQuery("name.example"), time.Second) // it fails, of course
	must(s.t, s.node.net.RouteAdd(&netlink.Route{LinkIndex: s.node.link("eth0").Attrs().Index, Scope: netlink.SCOPE_LINK, Dst: everything}))
	return s.untilAnswered("name.example")
}

var everything = &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}

func networkOutage(s *site) string {
	var broken atomic.Bool
	s.behind(s.server(script{udp: func(s *scripted, q query, from netip.AddrPort) {
		if !broken.Load() {
			answersProperly(s, q, from)
		}
	}}))
	if got := s.ask("before.example"); got != answered {
		return got + " at first"
	}
	broken.Store(true)
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		_, _ = s.exchange("udp", newQuery("name.example"), time.Second) // it fails, of course
	}
	broken.Store(false)
	return s.untilAnswered("name.example")
}
