package integration

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// What is right, and what is wrong, of a name that was elsewhere before all nodes
// agreed last, has moved since, and has existed all the time.
func TestSoakJudges(t *testing.T) {
	t.Parallel()
	former, old, now := netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("10.1.0.3")
	before := time.Now()
	moved := newTruth("node.example.", former)
	moved.becomes(old)
	moved.agreed()
	after := time.Now()
	moved.becomes(now)
	missing, departed := newTruth("node.example.", netip.Addr{}), newTruth("node.example.", now)
	departed.leaves()
	departed.agreed()
	foreign := newTruth("node.example.", now)
	foreign.others = true
	given, free := newNameTruth("name.example.", moved), newNameTruth("other.example.", moved)
	given.becomes(now)
	for _, test := range []struct {
		name  string
		truth *truth
		asked time.Time
		rcode int
		ede   bool
		addrs []netip.Addr
		want  string
	}{
		{"the present address", moved, after, dns.RcodeSuccess, false, []netip.Addr{now}, soakAddress},
		{"the last address", moved, after, dns.RcodeSuccess, true, []netip.Addr{old}, soakStale},
		{"both", moved, after, dns.RcodeSuccess, false, []netip.Addr{old, now}, soakAddress},
		{"an address that is long over", moved, after, dns.RcodeSuccess, false, []netip.Addr{former}, soakWrong},
		{"the same, asked when it was not", moved, before, dns.RcodeSuccess, false, []netip.Addr{former}, soakAddress},
		{"one right and one wrong", moved, after, dns.RcodeSuccess, false, []netip.Addr{now, former}, soakWrong},
		{"a new name, with the node's last address", given, after, dns.RcodeSuccess, false, []netip.Addr{old}, soakAddress},
		{"a new name, with one that is long over", given, after, dns.RcodeSuccess, false, []netip.Addr{former}, soakWrong},
		{"a name that no node has", free, after, dns.RcodeSuccess, false, []netip.Addr{now}, soakWrong},
		{"denied", moved, after, dns.RcodeNameError, false, nil, soakWrong},
		{"denied, and missing", missing, after, dns.RcodeNameError, false, nil, soakNXDOMAIN},
		{"there, though missing", missing, after, dns.RcodeSuccess, false, []netip.Addr{now}, soakWrong},
		{"denied, and departed", departed, after, dns.RcodeNameError, false, nil, soakNXDOMAIN},
		{"there, though departed", departed, after, dns.RcodeSuccess, true, []netip.Addr{now}, soakStale},
		{"failed, with a reason", moved, after, dns.RcodeServerFailure, true, nil, soakSERVFAIL},
		{"failed, without one", moved, after, dns.RcodeServerFailure, false, nil, soakWrong},
		{"no data", moved, after, dns.RcodeSuccess, true, nil, soakWrong},
		{"refused", moved, after, dns.RcodeRefused, false, nil, soakWrong},
		{"refused by an upstream", foreign, after, dns.RcodeRefused, false, nil, soakPassed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := new(dns.Msg).SetQuestion("node.example.", dns.TypeA)
			m.Rcode = test.rcode
			opt := m.SetEdns0(1232, false).IsEdns0()
			if test.ede {
				opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: 3})
			}
			for _, addr := range test.addrs {
				hdr := dns.RR_Header{Name: "node.example.", Rrtype: dns.TypeA, Class: dns.ClassINET}
				m.Answer = append(m.Answer, &dns.A{Hdr: hdr, A: addr.AsSlice()})
			}
			wire, err := m.Pack()
			must(t, err)
			p := soakProbe{truth: test.truth}
			for range 2 { // the second time it is known
				kind, err := p.judge(wire, test.asked, false)
				if kind != test.want || (err != nil) != (test.want == soakWrong) {
					t.Errorf("judged %s, %v, want %s", kind, err, test.want)
				}
			}
		})
	}
}

// A query without an answer is excused by the end of the daemon that had read it.
func TestSoakLost(t *testing.T) {
	t.Parallel()
	var s soakSeen
	n := &soakNode{}
	n.kills.add()
	s.lose(n, time.Now().Add(-time.Second))
	s.lose(n, time.Now().Add(-time.Minute))
	s.lose(n, time.Now().Add(time.Second))
	if s.killed != 1 || len(s.lost[n]) != 2 {
		t.Errorf("%d queries are excused, want 1 of 3", s.killed)
	}
}
