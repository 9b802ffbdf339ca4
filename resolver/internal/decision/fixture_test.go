package decision

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// Names of the fixture's nodes.
const (
	local    = "metropolis-00000000000000000000000000000001"
	both     = "metropolis-0000000000000000000000000000000a" // both families
	onlyFour = "metropolis-0000000000000000000000000000000b"
	noAddr   = "metropolis-0000000000000000000000000000000c"
	gone     = "metropolis-0000000000000000000000000000000d" // departed
	stranger = "metropolis-ffffffffffffffffffffffffffffffff" // not in the zone
)

var (
	wallClock = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	bootClock = 1000 * time.Second
)

// fixture is a zone that a test puts into the state that it needs.
type fixture struct {
	*zone.Store
	source *zone.Source
	id     zone.ID
	clock  time.Duration
	rules  rulesConfig
	search []string
	reach  Reach
}

type rulesConfig struct {
	domains   []string
	canonical zone.Canonical
	single    bool
}

func newFixture(t testing.TB, id zone.ID) *fixture {
	t.Helper()
	return newFixtureOf(t, zone.Config{Local: id})
}

func newFixtureOf(t testing.TB, config zone.Config) *fixture {
	t.Helper()
	f := &fixture{id: config.Local, clock: bootClock, reach: ReachPublic}
	f.rules.domains = []string{"nodes.example", "deep.nodes.example"}
	f.search = []string{"corp.example", "lab.example"}
	config.Clock = func() time.Duration { return f.clock }
	config.Now = func() time.Time { return wallClock }
	store, err := zone.NewStore(config)
	if err != nil {
		t.Fatal(err)
	}
	f.Store = store
	f.source = store.Source("curator")
	return f
}

// populated is a connected zone with a complete backlog.
func populated(t testing.TB) *fixture {
	f := newFixture(t, local)
	f.SetLocal([]netip.Addr{netip.MustParseAddr("10.0.0.1")})
	f.source.Expect(true)
	f.source.SetConnected(true)
	f.source.Begin()
	f.source.Set(
		zone.Entry{ID: local},
		zone.Entry{ID: both, Addresses: testkit.Addrs("10.0.0.10", "2001:db9::a")},
		zone.Entry{ID: onlyFour, Addresses: testkit.Addrs("10.0.0.11")},
		zone.Entry{ID: noAddr},
		zone.Entry{ID: gone, Addresses: testkit.Addrs("10.0.0.13")},
	)
	f.source.Complete()
	f.source.Gone(gone)
	return f
}

// lost is a populated zone whose curator became unreachable a while ago.
func lost(t testing.TB, ago time.Duration) *fixture {
	f := populated(t)
	f.source.SetConnected(false)
	f.clock += ago
	return f
}

func (f *fixture) view(t testing.TB) *View {
	t.Helper()
	rules, err := NewRules(RulesConfig{Domains: f.rules.domains, Canonical: f.rules.canonical, TTL: 10 * time.Second, SingleLabel: f.rules.single})
	if err != nil {
		t.Fatal(err)
	}
	v := &View{Zone: f.Snapshot(), Now: f.clock, Setup: &Setup{Rules: rules, Reach: f.reach}}
	for _, domain := range f.search {
		v.Search = append(v.Search, mustParseName(domain))
	}
	return v
}

func question(t testing.TB, name, qtype string) *Question {
	t.Helper()
	wire, err := ParseName(name)
	if err != nil {
		t.Fatal(err)
	}
	number, ok := dns.StringToType[qtype]
	if !ok {
		t.Fatalf("no type %q", qtype)
	}
	return &Question{Name: wire, Type: number}
}
