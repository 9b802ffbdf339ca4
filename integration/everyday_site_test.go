package integration

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// site is where a forwarder is measured: a node that runs it, and the router with
// the servers that it passes queries on to.
type site struct {
	t         testing.TB
	forwarder forwarder
	node      *host
	servers   *host
}

func newSite(t testing.TB, f forwarder) *site {
	t.Helper()
	l := newLAN(t)
	return &site{t: t, forwarder: f, node: l.join("node"), servers: l.routerHost()}
}

// begin starts the forwarder on a node that has an address and a route.
func (s *site) begin(w wiring) {
	s.t.Helper()
	s.node.address()
	s.start(w)
}

// start starts the forwarder, and waits until it answers what it passes on to
// nobody.
func (s *site) start(w wiring) {
	s.t.Helper()
	s.forwarder.start(s.node, w)
	eventually(s.t, s.forwarder.name+" answers", func() error { return s.node.answers("NOERROR", "localhost") })
}

// behind starts the forwarder in front of servers over UDP.
func (s *site) behind(servers ...*scripted) {
	s.t.Helper()
	s.begin(wiring{servers: addrsOf(servers...)})
}

func addrsOf(servers ...*scripted) (addrs []netip.AddrPort) {
	for _, server := range servers {
		addrs = append(addrs, server.addr())
	}
	return addrs
}

// server starts one on the machine of the servers.
func (s *site) server(does script) *scripted {
	s.t.Helper()
	return newScripted(s.servers, does)
}

const answered = "answered"

// ask states what a query for a name's address gets.
func (s *site) ask(name string) string {
	s.t.Helper()
	return outcome(s.exchange("udp", newQuery(name), answerWithin))
}

// outcome is what comes of a query: goodRecord, or what else.
func outcome(m *dns.Msg, err error) string {
	var unreadable *dns.Error
	switch {
	case errors.As(err, &unreadable):
		return "a reply that can't be read"
	case err != nil:
		return "no reply"
	case m.Rcode != dns.RcodeSuccess:
		return dns.RcodeToString[m.Rcode]
	case hasAddress(m, goodData):
		return answered
	}
	return "no address"
}

func hasAddress(m *dns.Msg, want string) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		a, ok := rr.(*dns.A)
		return ok && a.A.String() == want
	})
}

func newQuery(name string) *dns.Msg {
	return new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA).SetEdns0(1232, false)
}

// exchange sends a query to the forwarder, and again over TCP if the reply is
// truncated.
func (s *site) exchange(network string, query *dns.Msg, within time.Duration) (*dns.Msg, error) {
	conn, err := s.node.dial(network, "127.0.0.53:53")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	client := dns.Client{Timeout: within}
	m, _, err := client.ExchangeWithConn(query, &dns.Conn{Conn: conn})
	if err == nil && m.Truncated && network == "udp" {
		return s.exchange("tcp", query, within)
	}
	return m, err
}

// askAll asks for as many names at once, and counts those that are answered.
func (s *site) askAll(network string, count int) string {
	s.t.Helper()
	var good atomic.Int32
	var asking sync.WaitGroup
	for i := range count {
		asking.Go(func() {
			m, err := s.exchange(network, newQuery(fmt.Sprintf("name-%d.example", i)), answerWithin)
			if outcome(m, err) == answered {
				good.Add(1)
			} else {
				s.t.Logf("%v, %v", m, err)
			}
		})
	}
	asking.Wait()
	return fmt.Sprintf("%d of %d answered", good.Load(), count)
}

// askEach is askAll, one after another.
func (s *site) askEach(count int) string {
	s.t.Helper()
	good := 0
	for i := range count {
		if s.ask(fmt.Sprintf("name-%d.example", i)) == answered {
			good++
		}
	}
	return fmt.Sprintf("%d of %d answered", good, count)
}

// untilAnswered asks for a name, as a client does that does not give up, and
// returns how long it took to get an answer.
func (s *site) untilAnswered(name string) string {
	s.t.Helper()
	begin := time.Now()
	eventually(s.t, name+" is answered", func() error {
		if got := outcome(s.exchange("udp", newQuery(name), time.Second)); got != answered {
			return errors.New(got)
		}
		return nil
	})
	return answered + within(time.Since(begin))
}

// within is a time in a cell of the table.
func within(took time.Duration) string {
	for _, bound := range []int{1, 2, 5, 10, 20} {
		if took <= time.Duration(bound)*time.Second {
			return fmt.Sprintf(", within %d s", bound)
		}
	}
	return "" // the client has given up, which the text has
}

// queries is a number of queries in a cell of the table. A busy machine takes some
// more now and then.
func queries(count int) string {
	for _, bound := range []int{10, 30, 100, 300} {
		if count <= bound {
			return fmt.Sprintf("at most %d queries", bound)
		}
	}
	return "more than 300 queries"
}

// properly is a reply as it should be: with EDNS if the query has it.
func (q query) properly(records ...string) []byte {
	message := q.reply(records...)
	if q.hasEDNS() {
		message = append(changed(message, additionals, 1), "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"...)
	}
	return message
}

// answersProperly is a script for UDP.
func answersProperly(s *scripted, q query, from netip.AddrPort) { s.say(from, q.properly(goodRecord)) }
