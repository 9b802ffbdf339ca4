package fastpath

import (
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

func BenchmarkParse(b *testing.B) {
	cookie := &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"}
	for name, m := range map[string]*dns.Msg{
		"plain":  query(node, dns.TypeA),
		"cookie": withEDNS(query(node, dns.TypeA), cookie),
	} {
		b.Run(name, func(b *testing.B) {
			message, q := packed(b, m), new(Query)
			b.ReportAllocs()
			for b.Loop() {
				if !q.Parse(message) {
					b.Fatal("not taken")
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for name, v := range map[string]*decision.Verdict{
		"loopback": {Kind: decision.Loopback, Authoritative: true, TTL: 10},
		"negative": {Kind: decision.Negative, Authoritative: true, SOA: decision.Root, Minimum: 10},
	} {
		b.Run(name, func(b *testing.B) {
			q, buffer := new(Query), make([]byte, 0, 512)
			if !q.Parse(packed(b, query(node, dns.TypeA))) {
				b.Fatal("not taken")
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := q.Append(buffer, v, 512, nil); !ok {
					b.Fatal("not written")
				}
			}
		})
	}
}
