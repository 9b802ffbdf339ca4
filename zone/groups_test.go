package zone

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

func idsOf(nodes iter.Seq[Node]) []string {
	all := []string{}
	for n := range nodes {
		all = append(all, string(n.ID()))
	}
	return all
}

func TestWithRole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(
		Entry{ID: a, Addresses: testkit.Addrs("192.0.2.1", "2001:db8::1"), Roles: ConsensusMember | KubernetesWorker, CuratorPort: 7835},
		Entry{ID: b, Addresses: testkit.Addrs("192.0.2.2"), Roles: ConsensusMember},
		Entry{ID: testID(0xd), Roles: KubernetesWorker, CuratorPort: 7835}, // which it reports of itself
		Entry{ID: c, Roles: ConsensusMember, CuratorPort: 7900},
	)
	f.setLocal("192.0.2.9")
	check := func(what string, got iter.Seq[Node], want ...string) {
		t.Helper()
		if got := idsOf(got); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("members by IPv4", f.Snapshot().WithRole(ConsensusMember, IPv4, 0), a, b)
	check("members by IPv6", f.Snapshot().WithRole(ConsensusMember, IPv6, 0), a)
	check("workers", f.Snapshot().WithRole(KubernetesWorker, IPv4, 0), a)
	check("controllers", f.Snapshot().WithRole(KubernetesController, IPv4, 0))
	check("curators", f.Snapshot().Curators(0), a, c)
	check("one that is no role", f.Snapshot().WithRole(ConsensusMember|KubernetesWorker, IPv4, 1<<63))

	f.curator.Set(Entry{ID: self, Roles: ConsensusMember, CuratorPort: 1})
	f.curator.Gone(a)
	check("ours, and a departed one", f.Snapshot().WithRole(ConsensusMember, IPv4, 0), self, b)
	check("curators with ours", f.Snapshot().Curators(0), self, c)
	f.curator.SetCluster("one")
	f.curator.SetCluster("another")
	check("another cluster", f.Snapshot().WithRole(ConsensusMember, IPv4, 0))
}

// What takes the first node is offered no other: not after this machine, and neither
// where the circle begins nor where it goes around.
func TestWithRoleStopsAfterTheFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	member := func(id, addr string) Entry {
		return Entry{ID: id, Addresses: testkit.Addrs(addr), Roles: ConsensusMember, CuratorPort: 7835}
	}
	f.setLocal("192.0.2.9")
	f.connect(member(a, "192.0.2.1"), member(b, "192.0.2.2"))
	const beyondAll = 1
	check := func(turn uint64, want string) {
		t.Helper()
		for what, nodes := range map[string]iter.Seq[Node]{
			"members":  f.Snapshot().WithRole(ConsensusMember, IPv4, turn),
			"curators": f.Snapshot().Curators(turn),
		} {
			var got []string
			nodes(func(n Node) bool {
				got = append(got, string(n.ID()))
				return false
			})
			if !slices.Equal(got, []string{want}) {
				t.Errorf("%s from %d: %v, want %s alone", what, turn, got, want)
			}
		}
	}
	check(0, a)
	check(beyondAll, a)
	f.curator.Set(member(self, "192.0.2.9"))
	check(0, self)
	check(beyondAll, self)
}

// The groups are what a look at all nodes finds, whatever happened, and the
// circle has each of them once wherever it begins.
func TestGroupsAgainstNodes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect()
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		id := fmt.Sprintf("%s%016x%016x", DefaultPrefix, random.Uint64N(300)<<55, 0)
		switch random.IntN(5) {
		case 0:
			f.curator.Gone(id)
		default:
			e := Entry{ID: id, Roles: Roles(random.IntN(8)), CuratorPort: uint16(random.IntN(2))}
			if random.IntN(3) > 0 {
				e.Addresses = append(e.Addresses, netip.MustParseAddr("192.0.2.1"))
			}
			if random.IntN(3) > 0 {
				e.Addresses = append(e.Addresses, netip.MustParseAddr("2001:db8::1"))
			}
			f.curator.Set(e)
		}
	}
	s := f.Snapshot()
	compare := func(what string, got []string, in func(Node) bool) {
		t.Helper()
		want := []string{}
		for n := range s.All() {
			if !n.Departed() && in(n) {
				want = append(want, string(n.ID()))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d nodes, want %d", what, len(got), len(want))
		}
	}
	for range 100 {
		turn := random.Uint64()
		compare("curators", idsOf(s.Curators(turn)), func(n Node) bool { return n.CuratorPort() != 0 && n.Roles()&ConsensusMember != 0 })
		for _, family := range []Family{IPv4, IPv6} {
			role := Roles(1 << random.IntN(3))
			compare(fmt.Sprint(role, family), idsOf(s.WithRole(role, family, turn)), func(n Node) bool {
				return n.Roles()&role != 0 && n.HasFamily(family)
			})
		}
	}
}
