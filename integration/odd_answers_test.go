package integration

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// asksScripted is a node with a daemon whose only upstream does that.
func asksScripted(t testing.TB, does script) (*node, *scripted) {
	t.Helper()
	l := newLAN(t)
	s := newScripted(l.join("server").address(), does)
	n := through(l, "node", s.addr().String())
	n.boot()
	n.awaitReady()
	return n, s
}

// A TTL is how long an answer may be kept: 0 is for once, and one with the
// highest bit set is taken as 0 (RFC 2181, section 8).
//
// The server gives another address each time, so that the answer shows whether
// it was queried: on a busy machine one lookup may take several queries.
// Shows RFC 1035 3.2.1.
// Shows RFC 2181 8a.
func TestOddTTLs(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	var times byte
	n, _ := asksScripted(t, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		var ttl uint32
		if _, err := fmt.Sscanf(q.name(), "ttl-%d.", &ttl); err != nil {
			ttl = 60
		}
		times++
		s.say(from, q.reply(wireRecord(dns.TypeA, ttl, "\xc0\x00\x02"+string([]byte{times}))))
	}})
	for _, test := range []struct {
		ttl    uint32
		cached bool
	}{{0, false}, {1 << 31, false}, {1<<32 - 1, false}, {300, true}, {1<<31 - 1, true}} {
		t.Run(fmt.Sprint(test.ttl), func(t *testing.T) {
			var got [2]string
			for i := range got {
				r, err := n.ask(fmt.Sprintf("ttl-%d.example.", test.ttl), "A")
				must(t, err)
				must(t, r.expectStatus("NOERROR"))
				if len(r.answer) != 1 {
					t.Fatalf("want one address:\n%s", r.text)
				}
				if ttl := r.answer[0].ttl; !test.cached && ttl != "0" || len(ttl) > len("86400") {
					t.Errorf("the TTL is %s", ttl)
				}
				got[i] = r.answer[0].data
			}
			if (got[0] == got[1]) != test.cached {
				t.Errorf("the server said %s, and asked again we said %s", got[0], got[1])
			}
		})
	}
}

// Aliases that lead in a circle fail, each time, and quickly.
// Shows RFC 1034 3.6.2b.
// Shows RFC 9520 2.5.
func TestAliasLoops(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	const other = "\x05other" + theName
	n, s := asksScripted(t, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		switch {
		case strings.HasPrefix(q.name(), "self."):
			s.say(from, q.reply(wireRecord(dns.TypeCNAME, 300, theName)))
		case strings.HasPrefix(q.name(), "two."):
			s.say(from, q.reply(wireRecord(dns.TypeCNAME, 300, other), wireRecordOf(other, dns.TypeCNAME, 300, theName)))
		default:
			answersWell(s, q, from)
		}
	}})
	for _, name := range []string{"self.example.", "two.example."} {
		for range 2 {
			r, err := n.ask(name, "A")
			must(t, err)
			must(t, r.expectStatus("SERVFAIL"))
		}
	}
	if asked := s.asked.Load(); asked > 10 {
		t.Errorf("the server was asked %d times", asked)
	}
	must(t, n.answers("NOERROR", "www.example."))
}

// The largest possible message arrives whole, over TCP.
func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	const count = 4000 // of 16 octets each
	n, _ := asksScripted(t, script{
		udp: says(query.cut).udp,
		tcp: func(_ *scripted, q query, conn net.Conn) {
			var records []string
			for i := range uint32(count) {
				records = append(records, wireRecord(dns.TypeA, 300, string(binary.BigEndian.AppendUint32(nil, 0xc6120000+i))))
			}
			room := 65535 - len(q.reply(records...))
			records = append(records, wireRecord(dns.TypeTXT, 300, strings.Repeat("\x00", room-12)))
			_, _ = conn.Write(framed(q.reply(records...))) // the other side may have gone
		},
	})
	for _, round := range []string{"asked", "cached"} {
		r, err := n.ask("huge.example", "A")
		must(t, err)
		if got := len(r.data("A")); got != count || r.status != "NOERROR" {
			t.Errorf("%s: %s with %d addresses, want %d", round, r.status, got, count)
		}
	}
}

// What an upstream reports about its answer, or why it has none, is passed on.
// Shows RFC 8914 3a, 3c.
func TestUpstreamRemarks(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n, _ := asksScripted(t, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		switch q.name() {
		case "stale.example.":
			s.say(from, remarked(q.reply(goodRecord), 3, "as scripted"))
		case "bogus.example.":
			s.say(from, remarked(q.fails(2), 6, "as scripted"))
		case "refused.example.":
			s.say(from, remarked(q.fails(5), 18, "as scripted"))
		}
	}})
	for _, test := range []struct {
		name, status string
		ede          int
	}{{"stale.example", "NOERROR", 3}, {"bogus.example", "SERVFAIL", 6}, {"refused.example", "REFUSED", 18}} {
		t.Run(test.name, func(t *testing.T) {
			must(t, n.answers(test.status, test.name))
			must(t, n.remarks(test.ede, "as scripted", test.name))
		})
	}
}
