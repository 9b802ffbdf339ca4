package zone

import (
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

func TestPrecedenceLocalAddressesWinOverCluster(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7", "2001:db8::7")
	f.connect(Entry{ID: self, Addresses: testkit.Addrs("192.0.2.66"), Roles: ConsensusMember})
	f.want(self, "192.0.2.7 2001:db8::7")
	f.wantReverse("192.0.2.7", self)
	f.wantReverse("192.0.2.66", "")
	f.wantCounts(Counts{Live: 1})
}

func TestPrecedenceClusterAddressOfOursIsIgnoredWithoutALocalOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(self, "192.0.2.66"))
	f.want(self, "-")
}

func TestPrecedenceLocalRolesComeFromCluster(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(Entry{ID: self, Roles: ConsensusMember | KubernetesWorker, CuratorPort: 7835})
	local := f.Snapshot().Local()
	if local.Roles().String() != "consensus-member,kubernetes-worker" || local.CuratorPort() != 7835 {
		t.Errorf("roles %q, port %d", local.Roles(), local.CuratorPort())
	}
	if local.Source() != LocalSource {
		t.Errorf("source %q", local.Source())
	}
}

func TestPrecedenceCuratorWinsOverSaved(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Saved().Set(node(a, "192.0.2.1"), node(b, "192.0.2.2"))
	f.want(a, "192.0.2.1")
	f.connect(node(a, "192.0.2.11"))
	f.Saved().Set(node(a, "192.0.2.1"))
	f.want(a, "192.0.2.11")
	f.want(b, "192.0.2.2")
	f.wantDeparted(b, true)
}

func TestPrecedenceEarlierSourceWins(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	later := f.Source("file")
	later.Set(node(a, "192.0.2.1"))
	f.curator.Set(node(a, "192.0.2.2"))
	later.Set(node(a, "192.0.2.3"))
	later.Gone(a)
	f.want(a, "192.0.2.2")
	f.wantDeparted(a, false)
}

func TestMissingAddressKeepsTheLastKnown(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1", "2001:db8::1"), node(b))
	f.curator.Set(Entry{ID: a, Roles: KubernetesWorker})
	f.want(a, "192.0.2.1 2001:db8::1")
	f.want(b, "-")
	if n, _ := f.Snapshot().Lookup(a); n.Roles() != KubernetesWorker {
		t.Error("the new role is not seen")
	}
}

func TestStateDoesNotChangeAnswers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(Entry{ID: a, Addresses: testkit.Addrs("192.0.2.1"), State: StateDecommissioned})
	f.want(a, "192.0.2.1")
	f.wantReverse("192.0.2.1", a)
}

func TestLastLocalAddressStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7", "2001:db8::7")
	f.setLocal("2001:db8::7")
	f.want(self, "2001:db8::7")
	f.unchanged("an empty list", func() { f.setLocal() })
	f.want(self, "2001:db8::7")
	f.setLocal("127.0.0.1", "192.0.2.8", "fe80::1")
	f.want(self, "192.0.2.8")
}

func TestNoChangePublishesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.Saved().SetCluster("x")
	f.connect(node(a, "192.0.2.1"), node("nonsense"))
	f.curator.Gone(b)
	for what, do := range map[string]func(){
		"the same address":    func() { f.setLocal("192.0.2.7") },
		"the same node":       func() { f.curator.Set(node(a, "192.0.2.1")) },
		"an empty address":    func() { f.curator.Set(node(a)) },
		"an unknown node":     func() { f.curator.Gone(b) },
		"the same refusal":    func() { f.curator.Set(node("nonsense")) },
		"the same cluster":    func() { f.curator.SetCluster("x") },
		"no cluster":          func() { f.curator.SetCluster("") },
		"connected twice":     func() { f.curator.SetConnected(true) },
		"expected twice":      func() { f.curator.Expect(true) },
		"nothing":             func() { f.curator.Set() },
		"settled when ready":  func() { f.curator.Settle() },
		"an unframed end":     func() { f.curator.Complete() },
		"a name in no shape":  func() { f.curator.Gone("x") },
		"the same full names": func() { f.backlog(node(a, "192.0.2.1"), node("nonsense")) },
	} {
		f.unchanged(what, do)
	}
}

func TestRoleChangeIsPublished(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.connect(node(a, "192.0.2.1"))
	before := f.Snapshot()
	f.curator.Set(Entry{ID: a, Addresses: testkit.Addrs("192.0.2.1"), State: StateUp, Roles: ConsensusMember})
	if f.Snapshot().Serial() != before.Serial()+1 {
		t.Error("a role change published nothing")
	}
	f.connect(Entry{ID: self, Roles: ConsensusMember})
	if f.Snapshot().Local().Roles() != ConsensusMember {
		t.Error("a role change of ours was not seen")
	}
}

func TestLocalAddressesAreEachPublishedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7", "2001:db8::7", "192.0.2.7")
	f.want(self, "192.0.2.7 2001:db8::7")
}
