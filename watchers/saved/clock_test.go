package saved

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// The clock of the machine may be decades off at one start and right at the next. What
// is known of the nodes is the same, and how much of the retention of one that departed
// has passed.
func TestAClockThatIsSteppedBetweenTwoRuns(t *testing.T) {
	t.Parallel()
	// In a bubble the year is 2000.
	inBubble := func(t *testing.T, f func(*testing.T)) { synctest.Test(t, f) }
	here := func(t *testing.T, f func(*testing.T)) { f(t) }
	for name, run := range map[string]struct {
		first, next func(*testing.T, func(*testing.T))
	}{
		"forward": {inBubble, here},
		"back":    {here, inBubble},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, known := t.TempDir(), []string(nil)
			run.first(t, func(t *testing.T) {
				p := start(t, dir)
				p.mustLoad()
				p.backlog("A", live(1, "10.0.0.1"), live(2, "10.0.0.2"))
				p.curator.Gone(id(2))
				p.SaveAhead()
				known = p.dated()
			})
			run.next(t, func(t *testing.T) {
				p := start(t, dir)
				p.mustLoad()
				if got := p.dated(); !slices.Equal(got, known) {
					t.Errorf("known is %q, want %q", got, known)
				}
				if counted := p.Store.DepartedFor()[zone.ID(id(2))]; counted > time.Minute {
					t.Errorf("%v of the retention has passed", counted)
				}
				// It goes on as ever.
				p.backlog("A", live(1, "10.0.0.11"), live(2, "10.0.0.2"))
				p.SaveAhead()
				if got := p.restart().dated(); !slices.Equal(got, p.dated()) {
					t.Errorf("after a restart %q, want %q", got, p.dated())
				}
			})
		})
	}
}

// dated are the nodes with addresses, and when those that departed did.
func (p *process) dated() (nodes []string) {
	for n := range p.Store.Snapshot().All() {
		text := fmt.Sprint(n.ID(), slices.Collect(n.Addrs()), n.Departed())
		if n.Departed() {
			text += fmt.Sprint(n.Since().Unix())
		}
		nodes = append(nodes, text)
	}
	return nodes
}
