package integration

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The company's server is listed first, and a public one, which denies what is
// internal, is faster. All internal names are found, also where the second server
// is asked early. When the first one is dead the second answers, and once that is
// found out nobody asks the first.
func TestCompanyServerFirst(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	// Its usual time makes the deadline a second, and has the next one asked after
	// half of that. The internal names take longer than this.
	const usual, slow = 300 * time.Millisecond, 600 * time.Millisecond
	l := newLAN(t)
	h := l.join("servers").address()
	var dead atomic.Bool
	var company, public queryLog
	first := newScripted(h, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		company.add(q.name())
		takes := usual
		if isBelow(q.name(), "internal.example.") {
			takes = slow
		}
		if !dead.Load() {
			s.later(takes, func() { answersWell(s, q, from) })
		}
	}})
	second := newScripted(h, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		public.add(q.name())
		s.say(from, q.fails(3))
	}})
	n := newNode(l, "node")
	n.address()
	n.configure("[upstream]", fmt.Sprintf("servers = [%q, %q]", first.addr(), second.addr()))
	n.boot()
	n.awaitReady()
	must(t, n.answers("NOERROR", "before.example"))
	ask := func(domain, status string) {
		t.Helper()
		var names []string
		for i := range 40 {
			names = append(names, fmt.Sprintf("name-%d.%s", i, domain))
		}
		replies, err := n.askTogether(names)
		must(t, err)
		for _, name := range names {
			if err := replies[name].expectStatus(status); err != nil {
				t.Error(err)
			}
		}
	}
	ask("internal.example.", "NOERROR")
	if public.count("internal.example.") == 0 {
		t.Error("the second server was not asked early")
	}
	dead.Store(true)
	tries := 0
	eventually(t, "the first server's death is noticed", func() error {
		tries++
		must(t, n.answers("NXDOMAIN", fmt.Sprintf("name-%d.dying.example", tries)))
		return n.daemon.logged("the upstream does not answer")
	})
	ask("dead.example.", "NXDOMAIN")
	if asked := company.count("dead.example."); asked > 0 {
		t.Errorf("the dead server was asked %d times", asked)
	}
}

// What is no answer has the next server asked, and is passed on if there is none.
// Shows RFC 1035 7.3b.
func TestRepliesThatAreNoAnswer(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	fails := func(rcode byte) func(query) []byte { return func(q query) []byte { return q.fails(rcode) } }
	lame := func(q query) []byte { return changed(q.reply(), flagsLow, 0) } // neither RA nor AA
	tests := []struct {
		name  string
		reply func(query) []byte
		alone string // the status if no other server is asked
	}{
		{"FORMERR", fails(1), "FORMERR"},
		{"SERVFAIL", fails(2), "SERVFAIL"},
		{"NOTIMP", fails(4), "NOTIMP"},
		{"REFUSED", fails(5), "REFUSED"},
		{"NOTAUTH", fails(9), "NOTAUTH"},
		{"an unknown code", fails(12), ""},
		{"lame", lame, "NOERROR"},
		{"a referral", func(q query) []byte {
			return append(changed(lame(q), authorities, 1), wireRecord(dns.TypeNS, 300, theName)...)
		}, "NOERROR"},
	}
	l := newLAN(t)
	h := l.join("servers").address()
	second := newScripted(h, script{udp: answersWell}).addr()
	n := newNode(l, "node")
	n.address()
	lines := []string{"[upstream]", "servers = []"}
	for i, test := range tests {
		first := newScripted(h, says(test.reply)).addr()
		lines = append(lines,
			route(fmt.Sprintf("alone%d.example", i), first),
			route(fmt.Sprintf("first%d.example", i), first, second))
	}
	n.configure(lines...)
	n.boot()
	n.awaitReady()
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := n.ask(fmt.Sprintf("www.first%d.example", i), "A")
			must(t, err)
			must(t, r.expectAnswer(goodData))
			must(t, n.answers(test.alone, fmt.Sprintf("www.alone%d.example", i)))
		})
	}
}
