package curator

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// What a few huge messages took is given back without waiting for the runtime to
// collect by itself, which is turned off here. Not parallel: it measures.
func TestHugeMessagesAreGivenBack(t *testing.T) {
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
			before := heap()
			const messages = 2
			raw := [][]byte{}
			for range messages {
				raw = append(raw, huge)
			}
			raw = append(raw, event(t, v.marked()))
			v.s.Behave(memory.Behaviour{Raw: raw})
			awaitStatus(t, v.w, "the marker behind them", func(s Status) bool {
				return s.State == StateConnected && v.store.Snapshot().Counts().Quarantined > 0
			})
			if grown := int64(heap()) - int64(before); grown > 12<<20 {
				t.Errorf("%d MB are kept of %s", grown>>20, fmt.Sprintf("%d messages of %d MB", messages, len(huge)>>20))
			}
			runtime.KeepAlive(raw)
		})
	}
}

// heap is what is allocated, garbage that has not been collected included.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
