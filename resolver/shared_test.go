package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/listen"
)

// large answers over TCP with as many addresses as a message has room for.
func large(tb testing.TB) func(dns.ResponseWriter, *dns.Msg) {
	records := make([]dns.RR, 4000)
	for i := range records {
		rr, err := dns.NewRR(fmt.Sprintf("%s. 60 A 192.0.%d.%d", asked, i>>8, i&0xff))
		if err != nil {
			tb.Fatal(err)
		}
		records[i] = rr
	}
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Compress = true
		if w.RemoteAddr().Network() == "udp" {
			m.Truncated = true
		} else {
			m.Answer = records
		}
		_ = w.WriteMsg(m)
	}
}

// Each client costs what its own reply takes, and not another copy of the
// upstream's records; nor do those that wait for the same take the places of
// what may be asked.
//
// Not parallel: it counts what the whole process allocates.
func TestManyClientsShareOneLargeAnswer(t *testing.T) {
	testkit.Memory(t)
	release := make(chan struct{})
	answer := large(t)
	u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.Question[0].Name != asked+"." {
			answering()(w, q)
			return
		}
		<-release
		answer(w, q)
	})
	s := start(t, newServer(t, settings(u.addr)))
	const all = maxInFlight + 200
	message := packed(t, withEDNS(query(asked, dns.TypeA), 1232))
	client := listen.Client{Addr: netip.MustParseAddrPort("127.0.0.1:1"), TCP: true}
	var waiting sync.WaitGroup
	var octets, wrong int
	var mu sync.Mutex
	for range all {
		_, wait := s.Handle(message, client, nil)
		if wait == nil {
			t.Fatal("a client is refused")
		}
		waiting.Go(func() {
			reply := wait(context.Background())
			mu.Lock()
			defer mu.Unlock()
			octets += len(reply)
			if len(reply) < 60_000 {
				wrong++
			}
		})
	}
	eventually(t, func() bool { return s.Stats().Coalesced == all-1 })
	if got := rcodeOf(t, s, "other.example.org", dns.TypeA); got != "NOERROR" {
		t.Errorf("another name meanwhile: %s", got)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	close(release)
	waiting.Wait()
	runtime.ReadMemStats(&after)
	if wrong > 0 {
		t.Errorf("%d replies of %d lack records", wrong, all)
	}
	each := (after.TotalAlloc - before.TotalAlloc) / all
	if most := uint64(3 * octets / all); each > most {
		t.Errorf("%d octets are allocated for each client, more than %d", each, most)
	}
}
