package resolver

import (
	"context"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Shows RFC 4343 4.1a.
// Shows RFC 5452 5.
func TestQueriesCoalesce(t *testing.T) {
	release := make(chan struct{})
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		<-release
		answering(answered60)(w, q)
	})
	s := start(t, newServer(t, settings(u.addr)))
	const all = 20
	var clients []client
	for i := range all {
		c := dial(t, s, "udp")
		name := asked
		if i%2 == 1 {
			name = "Www.Example.Org"
		}
		q := query(name, dns.TypeA)
		q.Id = uint16(i)
		c.send(packed(t, q))
		clients = append(clients, c)
	}
	eventually(t, func() bool { return s.Stats().Coalesced == all-1 })
	close(release)
	for i, c := range clients {
		m := new(dns.Msg)
		if err := m.Unpack(c.receive()); err != nil || int(m.Id) != i || len(m.Answer) != 1 || m.Answer[0].Header().Name != m.Question[0].Name || (m.Question[0].Name == asked+".") != (i%2 == 0) {
			t.Errorf("%d: got %v, %v", i, m, err)
		}
	}
}

// The first caller gives up: another one asks.
func TestFirstOfManyGivesUp(t *testing.T) {
	arrived := make(chan struct{}, 100)
	release := make(chan struct{})
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		arrived <- struct{}{}
		<-release
		answering(answered60)(w, q)
	})
	s := newServer(t, settings(u.addr)) // not run: the first owns the exchange
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	defer waiting.Wait()
	waiting.Go(func() { resolve(ctx, s, asked, dns.TypeA) })
	<-arrived
	got := make(chan *dns.Msg, 1)
	waiting.Go(func() {
		m, _ := resolve(t.Context(), s, asked, dns.TypeA)
		got <- m
	})
	eventually(t, func() bool { return s.Stats().Coalesced == 1 })
	cancel()
	close(release)
	if m := <-got; m.Rcode != dns.RcodeSuccess || len(m.Answer) != 1 {
		t.Errorf("got\n%v", m)
	}
}
