package saved

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// A zone that is full lacks nodes, which its file would deny after a restart.
func TestAnOverflowIsNotWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := start(t, t.TempDir())
		stop := first.run()
		first.backlog("A", live(1, "10.0.0.1"))
		stop()
		before := read(t, first.Path)

		next := start(t, first.Path)
		store, err := zone.NewStore(zone.Config{Local: zone.ID(id(0)), MaxNodes: 2})
		if err != nil {
			t.Fatal(err)
		}
		next.Store, next.curator = store, store.Source("curator")
		next.mustLoad()
		stop = next.run()
		next.backlog("A", live(1, "10.0.0.11"), live(2), live(3))
		time.Sleep(2 * countInterval)
		if got := read(t, first.Path); string(got) != string(before) {
			t.Error("the file was overwritten")
		}
		next.backlog("A", live(1, "10.0.0.11"), live(2))
		stop()
		if got := read(t, first.Path); string(got) == string(before) {
			t.Error("what fits again was not written")
		}
	})
}
