package integration

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
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

// exceptSilent is a server behind a line that does not answer for silentDomain, over
// either transport. It counts the queries for it.
func exceptSilent(line *badLine, asked *queryLog) script {
	return script{
		udp: func(s *scripted, q query, from netip.AddrPort) {
			if isBelow(q.name(), silentDomain) {
				asked.add(q.name())
				return
			}
			line.carry(s, q, from)
		},
		tcp: func(s *scripted, q query, conn net.Conn) {
			if isBelow(q.name(), silentDomain) {
				asked.add(q.name())
				return
			}
			line.carryTCP(s, q, conn)
		},
	}
}

// askForSilence has a client on the machine ask for names of silentDomain, which are
// new each time, until stop is called. That returns how many they were.
func (m *machine) askForSilence() (stop func() int) {
	m.t.Helper()
	socket, err := m.dial("udp", "127.0.0.53:53")
	must(m.t, err)
	conn := &dns.Conn{Conn: socket}
	end := make(chan struct{})
	sent := 0
	var asking sync.WaitGroup
	asking.Go(func() {
		defer conn.Close()
		began := time.Now()
		for {
			for due := int(time.Since(began).Seconds() * silentRate); sent < due; sent++ {
				// That the daemon has no room for it is up to the test.
				_ = conn.WriteMsg(new(dns.Msg).SetQuestion(fmt.Sprintf("name-%d.%s", sent, silentDomain), dns.TypeA))
			}
			select {
			case <-end:
				return
			case <-time.After(time.Second / silentRate):
			}
		}
	})
	return func() int {
		close(end)
		asking.Wait()
		return sent
	}
}

// However many names a client asks for that nobody answers, all others are answered,
// and each of those costs a server three datagrams and one query over TCP.
func TestSilentNames(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	var asked queryLog
	n, _ := asksScripted(t, exceptSilent(newBadLine(0, 0), &asked))
	stop := n.askForSilence()
	// By then more of them want to wait than may, each for almost 4 s.
	good := 0
	eventually(t, "there are many", func() error {
		for range 10 {
			good++
			must(t, n.answers("NOERROR", fmt.Sprintf("good-%d.example", good)))
		}
		if names := len(asked.counts()); names < 3*silentRate {
			return fmt.Errorf("%d names", names)
		}
		return nil
	})
	stop()
	for name, times := range asked.counts() {
		if times > 4 {
			t.Errorf("%s was asked for %d times", name, times)
		}
	}
}
