package resolver_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// A cluster's service DNS that runs on the same machine is a route to its
// listener on loopback. Only the Server's own listeners are never asked.
func ExampleRoute() {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	const service = "api.default.svc.cluster.local."
	services := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		reply := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == service {
			reply.Answer = []dns.RR{&dns.A{
				Hdr: dns.RR_Header{Name: service, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5},
				A:   net.IPv4(10, 96, 0, 1),
			}}
		}
		_ = w.WriteMsg(reply) // a lost reply is asked for again
	})}
	go func() { _ = services.ActivateAndServe() }()
	defer func() { _ = services.Shutdown() }()

	store, err := zone.NewStore(zone.Config{Local: "gateway"})
	if err != nil {
		log.Fatal(err)
	}
	listener := netip.MustParseAddrPort(conn.LocalAddr().String())
	server, err := resolver.New(resolver.Config{
		Zone: store.Snapshot,
		Settings: resolver.Settings{
			TTL: 10 * time.Second,
			Upstreams: resolver.Upstreams{Routes: []resolver.Route{{
				Domains: []string{"cluster.local"},
				Servers: []upstream.Server{upstream.Plain(listener)},
			}}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	answer, err := inspect.Inspector{Server: server}.Query(context.Background(), service, "A")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Rcode, "by the route for", answer.Route)
	for _, record := range answer.Records {
		fmt.Println(record.Name, record.TTL, record.Type, record.Data)
	}
	// Output:
	// NOERROR by the route for cluster.local.
	// api.default.svc.cluster.local. 5 A 10.96.0.1
}
