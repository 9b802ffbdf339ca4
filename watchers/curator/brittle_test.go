package curator

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// A curator delivers its backlog and breaks down soon after, again and again: the
// pauses grow to the longest, and it is not given up. Each loss is one line.
func TestBrittleCurator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.Behave(memory.Behaviour{Script: func(send func([]byte) error) error {
			marker := &curatorpb.WatchEvent{Progress: curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED}
			if err := send(event(t, marker)); err != nil {
				return err
			}
			time.Sleep(minDelay)
			return nil
		}})
		var network network
		var log logbook
		network.serve(t, s, "127.0.0.1:1")
		w, _, stop := watch(t, Config{Endpoints: endpointsAt("127.0.0.1:1"), Insecure: true, Logger: log.Logger()}, network.use)
		time.Sleep(time.Minute)
		before := w.Status().Attempts
		time.Sleep(10 * time.Minute)
		// Between half and all of the longest pause.
		if n := w.Status().Attempts - before; n < 55 || n > 120 {
			t.Errorf("%d attempts in ten minutes, want one in 5 to 10 s", n)
		}
		stop()
		if lines, losses := strings.Count(log.String(), "lost the curator"), w.Status().Failures; uint64(lines) != losses {
			t.Errorf("%d losses are %d lines", losses, lines)
		}
	})
}
