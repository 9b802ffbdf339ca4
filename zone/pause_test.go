package zone

import (
	"net/netip"
	"testing"
)

// A long backlog does not keep others from changing the zone for ever, and what they
// publish meanwhile stays as it is while the rest comes.
func TestALongBacklogPauses(t *testing.T) {
	t.Parallel()
	s, err := NewStore(Config{Local: "self"})
	if err != nil {
		t.Fatal(err)
	}
	const nodes = 1000
	var (
		between *Snapshot // with the other change
		had     [nodes]netip.Addr
		changed = make(chan struct{})
	)
	src := s.FileSource("files")
	src.Begin()
	src.SetAll(func(yield func(*Entry) bool) {
		go func() {
			s.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
			close(changed)
		}()
		left := nodes // of the entries after the other change
		for i := range 10 * pauseAfter {
			if !yield(&Entry{ID: benchID(i % nodes), Addresses: []netip.Addr{benchAddr(i)}}) {
				return
			}
			select {
			case <-changed:
			default:
				continue
			}
			if between == nil {
				between = s.Snapshot()
				had = addressesIn(between, nodes)
			}
			if left--; left == 0 {
				return
			}
		}
	})
	src.Complete()
	if <-changed; between == nil {
		t.Fatal("the other change waited for all of the backlog")
	}
	if got := s.Snapshot().Counts().Live; got != nodes+1 {
		t.Errorf("%d nodes", got)
	}
	if has := addressesIn(between, nodes); has != had {
		t.Error("what was published has changed")
	}
	if has := addressesIn(s.Snapshot(), nodes); has == had {
		t.Error("what came later is not in the zone")
	}
}

// addressesIn are those of the first of the nodes of benchID.
func addressesIn(s *Snapshot, nodes int) (all [1000]netip.Addr) {
	for i := range nodes {
		n, _ := s.Lookup(benchID(i))
		all[i], _ = n.Addr(IPv4)
	}
	return all
}
