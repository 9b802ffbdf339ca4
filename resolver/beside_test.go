package resolver

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// Queries of all kinds come in bursts, so that one loop has answered many others
// while some still wait for the upstream, and the settings and the zone change
// meanwhile. Each gets what it asked for, whatever the buffers were used for
// since, and is counted once.
func TestQueriesBesideEachOther(t *testing.T) {
	t.Parallel()
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.TXT{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60},
			Txt: []string{dns.CanonicalName(q.Question[0].Name)},
		}}
		_ = w.WriteMsg(m)
	})
	set := settings(up)
	set.Cache = Cache{Size: 1 << 20}
	store := newZone(t)
	s, err := New(Config{Zone: store.Snapshot, Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Settings: set})
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	ctx, end := context.WithCancel(t.Context())
	var changes sync.WaitGroup
	changes.Go(func() { keepChanging(t, ctx, s, set, store) })
	const rounds, burst = 20, 60
	t.Run("clients", func(t *testing.T) {
		for _, client := range []string{"one", "two", "three"} {
			t.Run(client, func(t *testing.T) {
				t.Parallel()
				c := dial(t, s, "udp")
				for round := range rounds {
					askTogether(c, burst, fmt.Sprint(client, round))
				}
			})
		}
	})
	end()
	changes.Wait()
	if got := s.Stats(); got.UDP != 3*rounds*burst {
		t.Errorf("%d messages counted, want %d", got.UDP, 3*rounds*burst)
	}
}

// keepChanging turns the fast path on and off, and moves a node.
func keepChanging(t *testing.T, ctx context.Context, s *Server, set Settings, store *zone.Store) {
	source := store.Source("changes")
	for i := 0; ctx.Err() == nil; i++ {
		set.DisableFastPath = !set.DisableFastPath
		if err := s.Reconfigure(set); err != nil {
			t.Error(err)
		}
		source.Set(zone.Entry{ID: departed, Addresses: testkit.Addrs(fmt.Sprintf("10.1.0.%d", 1+i%250))})
		s.Stats()
		time.Sleep(time.Millisecond)
	}
}

// askTogether sends a burst of queries and wants a fitting reply to each.
func askTogether(c client, burst int, tag string) {
	for id := range burst {
		m := query(theirs, dns.TypeA)
		switch id % 3 {
		case 1:
			m = query(fmt.Sprintf("Name-%s-%d.Example.org", tag, id/2), dns.TypeTXT)
		case 2:
			m = query(fmt.Sprintf("absent-%d.nodes.example", id), dns.TypeA)
		}
		m.Id = uint16(id)
		c.send(packed(c.t, m))
	}
	for range burst {
		m := new(dns.Msg)
		if err := m.Unpack(c.receive()); err != nil {
			c.t.Errorf("read a reply: %v", err)
			return
		}
		want := fmt.Sprintf("%d/NOERROR/%s. [10.0.0.10]", m.Id, theirs)
		switch m.Id % 3 {
		case 1:
			name := fmt.Sprintf("Name-%s-%d.Example.org.", tag, m.Id/2)
			want = fmt.Sprintf("%d/NOERROR/%s [%s]", m.Id, name, dns.CanonicalName(name))
		case 2:
			want = fmt.Sprintf("%d/NXDOMAIN/absent-%d.nodes.example. []", m.Id, m.Id)
		}
		var data []string
		for _, rr := range m.Answer {
			switch rr := rr.(type) {
			case *dns.A:
				data = append(data, rr.A.String())
			case *dns.TXT:
				data = append(data, rr.Txt...)
			}
		}
		if got := fmt.Sprintf("%d/%s/%s %v", m.Id, dns.RcodeToString[m.Rcode], m.Question[0].Name, data); got != want {
			c.t.Errorf("got %s, want %s", got, want)
		}
	}
}
