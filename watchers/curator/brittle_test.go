package curator

import (
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// A curator delivers its backlog and breaks down soon after, again and again: it
// is asked ever less often, and the log does not fill.
func TestBrittleCurator(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	v.s.Behave(memory.Behaviour{Script: func(send func([]byte) error) error {
		if err := send(event(t, v.marked())); err != nil {
			return err
		}
		time.Sleep(minDelay)
		return nil
	}})
	time.Sleep(6 * time.Second)
	if n := strings.Count(v.log.String(), "lost the curator"); n > 6 {
		t.Errorf("the loss is %d lines", n)
	}
	v.unharmed()
}
