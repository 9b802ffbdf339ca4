package saved

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// Of nodes that have the same address the one keeps its reverse record over a
// restart that had it, whatever the IDs and whether they have departed.
func TestReverseRecordsSurviveARestart(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*process){
		"live":     func(*process) {},
		"departed": func(p *process) { p.curator.Gone(id(1), id(2), id(3)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const four, six = "10.0.0.9", "2001:db8::9"
				dir := t.TempDir()
				first := start(t, dir)
				stop := first.run()
				first.backlog("A", live(2, four), live(3, six))
				first.curator.Set(live(1, four, six), live(2, four, six))
				change(first)
				first.wantReverse(four, 2)
				first.wantReverse(six, 3)
				stop()

				next := start(t, dir)
				next.mustLoad()
				next.wantReverse(four, 2)
				next.wantReverse(six, 3)
				stop = next.run()
				next.backlog("A", live(1, four, six), live(2, four, six), live(3, six))
				time.Sleep(2 * minInterval)
				next.wantReverse(four, 2)
				next.wantReverse(six, 3)
				writes := 0
				if name == "departed" {
					writes = 1 // they are back
				}
				if got := next.writes(); got != writes {
					t.Errorf("%d writes of what was loaded, want %d", got, writes)
				}
				next.curator.Set(live(2, "10.0.0.2"))
				stop()

				last := start(t, dir)
				last.mustLoad()
				last.wantReverse(four, 1)
				last.wantReverse(six, 3)
			})
		})
	}
}

func (p *process) wantReverse(addr string, n int) {
	p.t.Helper()
	node, _ := p.Store.Snapshot().Reverse(netip.MustParseAddr(addr))
	if node.ID() != zone.ID(id(n)) {
		p.t.Errorf("the reverse record of %s is that of %q, want %s", addr, node.ID(), id(n))
	}
}
