package zone

import (
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

func TestReservedAddressesHaveNoReverseRecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	reserve := func(part string, addrs ...string) { f.SetReserved(part, testkit.Addrs(addrs...)) }
	f.setLocal("192.0.2.7")
	reserve("gateways", "192.0.2.1", "fe80::1", "127.0.0.53")
	f.connect(node(a, "192.0.2.1", "2001:db8::a"), node(b, "192.0.2.2"))
	f.wantReverse("192.0.2.1", "")
	f.wantReverse("2001:db8::a", a)
	f.wantReverse("192.0.2.2", b)
	f.want(a, "192.0.2.1 2001:db8::a") // the name stays

	reserve("upstreams", "192.0.2.1", "192.0.2.2", "192.0.2.7", "192.0.2.1")
	f.wantReverse("192.0.2.2", "")
	f.wantReverse("192.0.2.7", self) // ours is ours
	for what, do := range map[string]func(){
		"the same again":   func() { reserve("gateways", "192.0.2.1") },
		"in another order": func() { reserve("upstreams", "192.0.2.7", "192.0.2.2", "192.0.2.1") },
		"no other part":    func() { reserve("others") },
		"of both parts":    func() { reserve("gateways"); reserve("gateways", "192.0.2.1") },
	} {
		f.unchanged(what, do)
	}
	reserve("gateways")
	f.wantReverse("192.0.2.1", "")
	reserve("upstreams", "192.0.2.2")
	f.wantReverse("192.0.2.1", a)
	f.wantReverse("192.0.2.2", "")
	f.curator.Set(node(b, "192.0.2.3"), node(c, "192.0.2.2"))
	reserve("upstreams")
	f.wantReverse("192.0.2.2", c)
	if size := f.Snapshot().reserved.size; size != 0 || len(f.Store.reserved) != 0 {
		t.Errorf("%d addresses of %d parts are reserved still", size, len(f.Store.reserved))
	}
}

// Another cluster's nodes may no more name what we rely on than those of the
// first.
func TestReservedAddressesOutliveTheCluster(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.SetReserved("gateways", testkit.Addrs("192.0.2.1"))
	f.curator.SetCluster("x")
	f.connect(node(a, "192.0.2.1"))
	f.curator.SetCluster("y")
	f.backlog(node(b, "192.0.2.1"))
	f.wantReverse("192.0.2.1", "")
	f.want(b, "192.0.2.1")
}
