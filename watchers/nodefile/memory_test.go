package nodefile

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// What a node with two names and both families costs at the most, some way above what
// was measured: 9 and 61.
const (
	maxAllocations = 10 // while a file is loaded, those of the zone included
	maxKept        = 80 // octets that live afterwards, besides the zone's
)

// Not parallel: it reads what the whole process has allocated.
func TestMemoryOfANode(t *testing.T) {
	testkit.Memory(t)
	const nodes = 20_000
	for _, format := range benchTexts {
		path := filepath.Join(t.TempDir(), format.name)
		write(t, path, format.text(nodes, -1))
		w, store := benchWatcher(t, path)
		before := memory()
		w.look(w.paths)
		after := memory()
		if got := store.Snapshot().Counts().Live; got != nodes+1 {
			t.Fatalf("%s: %d nodes", format.name, got)
		}
		w.files, w.reported = nil, nil
		zone := memory()
		each := fmt.Sprintf("%s: a node takes %d allocations to load, and %d octets besides the zone's",
			format.name, (after.Mallocs-before.Mallocs)/nodes, (after.HeapAlloc-zone.HeapAlloc)/nodes)
		t.Log(each)
		if after.Mallocs-before.Mallocs > maxAllocations*nodes || after.HeapAlloc-zone.HeapAlloc > maxKept*nodes {
			t.Errorf("%s, want at most %d and %d", each, maxAllocations, maxKept)
		}
		runtime.KeepAlive(store)
	}
}

// memory is what lives, and what was allocated until now.
func memory() (stats runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats
}
