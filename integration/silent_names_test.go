package integration

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// silentDomain is a domain that nobody answers for, as that of a dead reverse zone
// or behind a firewall; unansweredRate is how many of its names a client asks for
// in a second.
const (
	silentDomain = "silent.example."
	silentRate   = 400
)

// exceptSilent is a server behind a line that does not answer for silentDomain. It
// counts the queries for it over each transport.
func exceptSilent(line *badLine, datagrams, streams *queryLog) script {
	return script{
		udp: func(s *scripted, q query, from netip.AddrPort) {
			if isBelow(q.name(), silentDomain) {
				datagrams.add(q.name())
				return
			}
			line.carry(s, q, from)
		},
		tcp: func(s *scripted, q query, conn net.Conn) {
			if isBelow(q.name(), silentDomain) {
				streams.add(q.name())
				return
			}
			line.carryTCP(s, q, conn)
		},
	}
}

// silentClient is a client that asks for names of silentDomain, and for each once.
type silentClient struct {
	conn  *dns.Conn
	asked int
}

func newSilentClient(m *machine) *silentClient {
	m.t.Helper()
	conn, err := m.dial("udp", "127.0.0.53:53")
	must(m.t, err)
	m.t.Cleanup(func() { conn.Close() })
	return &silentClient{conn: &dns.Conn{Conn: conn}}
}

func (c *silentClient) ask(names int) error {
	for range names {
		c.asked++
		query := new(dns.Msg).SetQuestion(fmt.Sprintf("name-%d.%s", c.asked, silentDomain), dns.TypeA)
		if err := c.conn.WriteMsg(query); err != nil {
			return err
		}
	}
	return nil
}

// However many names a client asks for that nobody answers, all others are answered,
// and each of those costs a server three queries over each transport at most.
// Shows RFC 9520 3.1.
func TestSilentNames(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	var datagrams, streams queryLog
	n, _ := asksScripted(t, exceptSilent(newBadLine(0, 0), &datagrams, &streams))
	client := newSilentClient(n.machine)
	const each = 10 // of a second
	pace := time.NewTicker(time.Second / each)
	defer pace.Stop()
	// More of them want to wait than may, each for almost 4 s. A machine that is too
	// slow for their number gets fewer in a second.
	for range 3 * each {
		must(t, client.ask(silentRate/each))
		for k := range 10 {
			must(t, n.answers("NOERROR", fmt.Sprintf("good-%d-%d.example", client.asked, k)))
		}
		<-pace.C
	}
	if names := len(datagrams.counts()); names < 2*silentRate {
		t.Errorf("%d names got to the server", names)
	}
	for transport, asked := range map[string]*queryLog{"UDP": &datagrams, "TCP": &streams} {
		for name, times := range asked.counts() {
			if times > 3 {
				t.Errorf("%s was asked for %d times over %s", name, times, transport)
			}
		}
	}
}
