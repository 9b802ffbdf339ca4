package resolver

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/zone"
)

// startWithRoles starts a server whose zone has n consensus members and two
// curators, and one of each that has departed.
func startWithRoles(t *testing.T, n int, changes ...zone.Entry) *Server {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: ours, Now: func() time.Time { return wallClock }})
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("10.0.0.1")})
	source := store.Source("curator")
	source.Begin()
	for i := range n {
		source.Set(zone.Entry{
			ID: fmt.Sprintf("metropolis-%016x%016x", uint64(i+1)<<48, 0xa), Roles: zone.ConsensusMember,
			Addresses: testkit.Addrs(fmt.Sprintf("10.1.%d.%d", i/256, i%256), fmt.Sprintf("2001:db9::%x", i)),
		})
	}
	source.Set(
		zone.Entry{ID: ours, Roles: zone.KubernetesWorker, State: zone.StateUp, CuratorPort: 7835},
		zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.10", "2001:db9:1::a"), CuratorPort: 7900},
		zone.Entry{ID: nobody, Addresses: testkit.Addrs("10.0.0.99"), Roles: zone.ConsensusMember, CuratorPort: 1},
	)
	source.Complete()
	source.Gone(nobody)
	source.Set(changes...)
	s, err := New(Config{
		Zone: store.Snapshot, Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Settings: settings(), Now: func() time.Time { return wallClock },
	})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s)
}

const members = "consensus-member.role.nodes.example."

// All fit into UDP: each is there once, and the order differs each time.
func TestRoleIsShuffled(t *testing.T) {
	s := startWithRoles(t, 20)
	c := dial(t, s, "udp")
	orders := map[string]bool{}
	for range 20 {
		m := c.exchange(withEDNS(query(members, dns.TypeA), 1232))
		seen := map[string]bool{}
		var order strings.Builder
		for _, rr := range m.Answer {
			seen[rr.(*dns.A).A.String()] = true
			order.WriteString(rr.(*dns.A).A.String() + " ")
		}
		if len(m.Answer) != 20 || len(seen) != 20 || m.Truncated || seen["10.0.0.99"] {
			t.Fatalf("%d records, %d addresses, truncated %t", len(m.Answer), len(seen), m.Truncated)
		}
		orders[order.String()] = true
	}
	if len(orders) < 2 {
		t.Error("the order is always the same")
	}
}

// More than fit into UDP are truncated there and complete over TCP; more than
// fit into any message are a sample, which is not truncated.
// Shows RFC 1035 4.1.1h.
// Shows RFC 2181 5.1.
func TestRoleIsTruncated(t *testing.T) {
	for _, test := range []struct {
		nodes, tcp int
		qtype      uint16
	}{
		{200, 200, dns.TypeA},
		{200, 200, dns.TypeAAAA},
		{6000, wire.TCPRoom / 16, dns.TypeA},
		{6000, wire.TCPRoom / 28, dns.TypeAAAA},
	} {
		s := startWithRoles(t, test.nodes)
		for _, size := range []uint16{0, 512, 1232} {
			q := query(members, test.qtype)
			if size > 0 {
				q = withEDNS(q, size)
			}
			m := dial(t, s, "udp").exchange(q)
			if !m.Truncated || len(m.Answer) == test.nodes {
				t.Errorf("over UDP, %d octets: %d records, truncated %t", size, len(m.Answer), m.Truncated)
			}
		}
		m := dial(t, s, "tcp").exchange(withEDNS(query(members, test.qtype), 1232))
		if m.Truncated || len(m.Answer) != test.tcp {
			t.Errorf("over TCP %d records, truncated %t, want %d", len(m.Answer), m.Truncated, test.tcp)
		}
	}
}

// The curators are consensus members with a port: that alone is what a node
// reports of itself.
// Shows RFC 3596 3.
func TestCuratorServices(t *testing.T) {
	s := startWithRoles(t, 3,
		zone.Entry{ID: ours, Roles: zone.ConsensusMember, CuratorPort: 7835},
		zone.Entry{ID: theirs, Roles: zone.ConsensusMember, CuratorPort: 7900})
	m := dial(t, s, "udp").exchange(withEDNS(query("_curator._tcp.nodes.example.", dns.TypeSRV), 1232))
	ports := map[string]uint16{}
	for _, rr := range m.Answer {
		srv := rr.(*dns.SRV)
		ports[srv.Target] = srv.Port
	}
	want := map[string]uint16{ours + ".nodes.example.": 7835, theirs + ".nodes.example.": 7900}
	if fmt.Sprint(ports) != fmt.Sprint(want) || !m.Authoritative {
		t.Errorf("services %v, want %v", ports, want)
	}
	var extra []string
	for _, rr := range m.Extra {
		switch rr := rr.(type) {
		case *dns.A:
			extra = append(extra, rr.Hdr.Name+" "+rr.A.String())
		case *dns.AAAA:
			extra = append(extra, rr.Hdr.Name+" "+rr.AAAA.String())
		}
	}
	if len(extra) != 3 || !strings.Contains(fmt.Sprint(extra), theirs+".nodes.example. 2001:db9:1::a") {
		t.Errorf("additional records %q", extra)
	}
}

// The longest names and the most curators fit into a message over TCP.
func TestServicesFit(t *testing.T) {
	const owner, ttlAndSoOn, priorityAndSoOn, target = 2, 10, 6, 255
	if size := wire.MaxServices * (owner + ttlAndSoOn + priorityAndSoOn + target); size > wire.TCPRoom {
		t.Errorf("%d curators may take %d octets, and there is room for %d", wire.MaxServices, size, wire.TCPRoom)
	}
}

func TestTextOfANode(t *testing.T) {
	s := startWithRoles(t, 1)
	for name, want := range map[string]string{
		ours:                      "state=up roles=kubernetes-worker source=local since=2026-03-04T05:06:07Z",
		theirs + ".nodes.example": "state=unknown roles=none source=curator since=2026-03-04T05:06:07Z",
		nobody:                    "state=unknown roles=consensus-member source=curator departed=true since=2026-03-04T05:06:07Z",
	} {
		m := dial(t, s, "udp").exchange(query(name, dns.TypeTXT))
		if len(m.Answer) != 1 || strings.Join(m.Answer[0].(*dns.TXT).Txt, " ") != want {
			t.Errorf("%s: %v, want %q", name, m.Answer, want)
		}
	}
}
