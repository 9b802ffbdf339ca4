package resolver

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/listen"
)

// instantly is an upstream in the same process that answers any name at once.
func instantly(b *testing.B) netip.AddrPort {
	return fakeUpstream(b, func(w dns.ResponseWriter, q *dns.Msg) {
		answering(q.Question[0].Name+" 60 IN A 192.0.2.1")(w, q)
	})
}

func forwarding(b *testing.B) *Server {
	set := settings(instantly(b))
	set.Cache = Cache{Size: 16 << 20, ServeStale: time.Hour}
	set.DisableFastPath = true // BenchmarkWorker is about the other one
	return start(b, newServer(b, set))
}

// An answer that is in the cache, from the bytes of the query to those of the
// reply, without sockets.
func BenchmarkCacheHit(b *testing.B) {
	s := forwarding(b)
	resolve(b.Context(), s, "www.example.org", dns.TypeA)
	client := listen.Client{Addr: netip.MustParseAddrPort("127.0.0.1:1234")}
	for name, q := range map[string]*dns.Msg{
		"plain": query("www.example.org", dns.TypeA),
		"EDNS":  withEDNS(query("www.example.org", dns.TypeA), 1232),
	} {
		b.Run(name, func(b *testing.B) {
			message, buffer := packed(b, q), make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if reply, _ := s.Handle(message, client, buffer); len(reply) == 0 {
					b.Fatal("no reply")
				}
			}
		})
	}
}

// A name that was not asked for before: the exchange with the upstream over
// UDP, and the upstream's own work, are part of it.
func BenchmarkCacheMiss(b *testing.B) {
	s := forwarding(b)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if m, _ := resolve(b.Context(), s, fmt.Sprintf("%d.example.org", n), dns.TypeA); len(m.Answer) != 1 {
			b.Fatal(m)
		}
	}
}

// A hundred clients that ask for the same name concurrently.
func BenchmarkCoalescedBurst(b *testing.B) {
	const clients = 100
	s := forwarding(b)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		name := fmt.Sprintf("%d.example.org", n)
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				if m, _ := resolve(b.Context(), s, name, dns.TypeA); len(m.Answer) != 1 {
					b.Error(m)
				}
			})
		}
		all.Wait()
	}
	stats := s.Stats()
	b.ReportMetric(float64(stats.Cache.Insertions)/float64(n), "exchanges/op")
}
