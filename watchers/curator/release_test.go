package curator

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// What a few huge messages took is returned without waiting for the runtime to
// collect by itself, which is turned off here. That nothing refers to it any more
// is measured after further collections, as the server in this process may
// release its own part later. Not parallel: it measures.
func TestHugeMessagesAreGivenBack(t *testing.T) {
	testkit.Memory(t)
	for name, huge := range map[string][]byte{
		"one node":   event(t, &curatorpb.WatchEvent{Nodes: []*curatorpb.Node{{Id: string(bytes.Repeat([]byte("x"), 24<<20))}}}),
		"many nodes": event(t, &curatorpb.WatchEvent{Nodes: bogus(400_000)}),
		"an address": event(t, &curatorpb.WatchEvent{Nodes: []*curatorpb.Node{
			{Id: nodeID(1), Status: &curatorpb.NodeStatus{ExternalAddress: string(bytes.Repeat([]byte("x"), 24<<20))}},
		}}),
	} {
		t.Run(name, func(t *testing.T) {
			v := newVictim(t, 0)
			runtime.GC()
			defer debug.SetGCPercent(debug.SetGCPercent(-1))
			before := memStats()
			const messages = 2
			raw := [][]byte{}
			for range messages {
				raw = append(raw, huge)
			}
			// Only this node is of the last message: those before have entries, too.
			last := v.marked()
			last.Nodes = append(last.Nodes, &curatorpb.Node{Id: nodeID(99)})
			raw = append(raw, event(t, last))
			v.s.Behave(memory.Behaviour{Raw: raw})
			awaitStatus(t, v.w, "the marker behind them", func(s Status) bool {
				_, marked := v.store.Snapshot().Lookup(nodeID(99))
				return s.State == StateConnected && marked
			})
			if forced := memStats().NumForcedGC - before.NumForcedGC; forced < 2 {
				t.Errorf("%d collections, want two", forced)
			}
			runtime.GC()
			runtime.GC()
			if grown := int64(memStats().HeapAlloc) - int64(before.HeapAlloc); grown > 12<<20 {
				t.Errorf("%d MB are kept of %s", grown>>20, fmt.Sprintf("%d messages of %d MB", messages, len(huge)>>20))
			}
			runtime.KeepAlive(raw)
		})
	}
}

func memStats() (stats runtime.MemStats) {
	runtime.ReadMemStats(&stats)
	return stats
}
