package integration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// badLine is in front of a working server: what it drops never arrives, and all
// else arrives late. Its generator has a fixed seed.
type badLine struct {
	delay time.Duration // of an exchange
	share float64       // of the packets, either way, that are dropped

	mu     sync.Mutex
	random *rand.Rand
}

func newBadLine(delay time.Duration, share float64) *badLine {
	return &badLine{delay: delay, share: share, random: rand.New(rand.NewPCG(1, 2))}
}

func (l *badLine) drops() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.random.Float64() < l.share
}

func (l *badLine) script() script { return script{udp: l.carry, tcp: l.carryTCP} }

// carry is what it does over UDP.
func (l *badLine) carry(s *scripted, q query, from netip.AddrPort) {
	if l.drops() {
		return
	}
	s.later(l.delay, func() {
		if !l.drops() {
			s.say(from, answerOfKind(q))
		}
	})
}

// carryTCP is the same over a connection, which repeats by itself what is lost.
func (l *badLine) carryTCP(_ *scripted, q query, conn net.Conn) {
	_, _ = conn.Write(framed(answerOfKind(q))) // the other side may have gone
}

// Names below these have no address, or do not exist.
const (
	emptyDomain  = "empty.example."
	deniedDomain = "denied.example."
)

func answerOfKind(q query) []byte {
	switch {
	case isBelow(q.name(), emptyDomain):
		return q.reply()
	case isBelow(q.name(), deniedDomain):
		return q.fails(3)
	}
	return q.reply(goodRecord)
}

// Lost queries are repeated, three in all, and then go over TCP.
// Shows RFC 1035 4.2.1.
// Shows RFC 6891 6.2.5b.
func TestLostPackets(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	var asked queryLog
	n, _ := asksScripted(t, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		asked.add(q.name())
		var lost int
		if _, err := fmt.Sscanf(q.name(), "lost-%d.", &lost); err != nil || asked.count(q.name()) > lost {
			answersWell(s, q, from)
		}
	}, tcp: answersWellByTCP})
	for lost := range 4 {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			name := fmt.Sprintf("lost-%d.example.", lost)
			r, err := n.ask(name, "A")
			must(t, err)
			must(t, r.expectStatus("NOERROR"))
			must(t, r.expectAnswer(goodData))
		})
	}
}

// A server that does not answer delays the queries that find out, and no other;
// and it is queried again when it is back.
// Shows RFC 1034 5.3.3b.
func TestFirstServerDies(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	h := newLAN(t).join("servers").address()
	var asked queryLog
	var dead atomic.Bool
	first := newScripted(h, script{udp: func(s *scripted, q query, from netip.AddrPort) {
		asked.add(q.name())
		if !dead.Load() {
			answersWell(s, q, from)
		}
	}})
	second := newScripted(h, script{udp: answersWell})
	n := newNode(h.lan, "node")
	n.address()
	n.configure("[upstream]", fmt.Sprintf("servers = [%q, %q]", first.addr(), second.addr()))
	n.boot()
	names := 0
	ask := func(domain string) error {
		names++
		return n.answers("NOERROR", fmt.Sprintf("name-%d.%s", names, domain))
	}
	isAsked := func(domain string) func() error {
		return func() error {
			if err := ask(domain); err != nil {
				return err
			}
			if asked.count(domain) == 0 {
				return errors.New("it is not")
			}
			return nil
		}
	}
	eventually(t, "the first server is asked", isAsked("alive.example."))

	dead.Store(true)
	eventually(t, "its death is noticed", func() error {
		must(t, ask("dying.example."))
		return n.daemon.logged("the upstream does not answer")
	})
	for range 30 {
		must(t, ask("dead.example."))
	}
	// On a busy machine the second one may be slow too.
	if cost := asked.count("dead.example."); cost > 3 {
		t.Errorf("the dead server was asked %d queries of 30", cost)
	}

	dead.Store(false)
	eventually(t, "it is asked again", isAsked("revived.example."))
}
