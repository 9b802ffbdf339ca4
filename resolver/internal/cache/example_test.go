package cache_test

import (
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// A miss, an exchange with an upstream, and a hit.
func Example() {
	c := cache.New(cache.Config{Size: 1 << 20, ServeStale: time.Hour})
	query := new(dns.Msg).SetQuestion("WWW.example.org.", dns.TypeA)
	name, err := decision.ParseName(query.Question[0].Name)
	if err != nil {
		fmt.Println(err)
		return
	}
	key := cache.Key{Name: name, Type: dns.TypeA}

	now := 42 * time.Hour // CLOCK_BOOTTIME
	if _, ok := c.Get(key, now); !ok {
		asked := c.Epoch()
		reply := new(dns.Msg).SetReply(query) // from the upstream
		reply.Answer = []dns.RR{&dns.CNAME{
			Hdr:    dns.RR_Header{Name: "www.example.org.", Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 300},
			Target: "host.example.net.",
		}, &dns.A{
			Hdr: dns.RR_Header{Name: "host.example.net.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 100},
			A:   []byte{192, 0, 2, 1},
		}}
		c.Put(key, reply, 0, asked, now)
	}

	wire, err := query.Pack()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, age := range []time.Duration{30 * time.Second, 2 * time.Minute} {
		hit, _ := c.Get(key, now+age)
		reply := new(dns.Msg)
		if err := reply.Unpack(hit.AppendReply(nil, wire)); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("stale:", hit.Stale)
		for _, record := range reply.Answer {
			fmt.Println(record)
		}
	}
	// Output:
	// stale: false
	// WWW.example.org.	270	IN	CNAME	host.example.net.
	// host.example.net.	70	IN	A	192.0.2.1
	// stale: true
	// WWW.example.org.	30	IN	CNAME	host.example.net.
	// host.example.net.	30	IN	A	192.0.2.1
}
