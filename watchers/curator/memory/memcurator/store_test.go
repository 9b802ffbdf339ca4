package main

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// Two curators share a store: one leads, the other reports that, and takes over
// with all nodes when the first one ends.
func TestStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(id string) (*memory.Server, func()) {
		s := &memory.Server{Directory: &memory.Directory{}, ID: id}
		s.Behave(memory.Behaviour{Follower: true})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := (&store{dir: dir, server: s, port: 7835}).Run(ctx); err != nil {
				t.Error(err)
			}
		})
		stop := func() { cancel(); running.Wait() }
		t.Cleanup(stop)
		return s, stop
	}
	await := func(what string, met func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !met(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s", what)
			}
		}
	}
	first, stop := run("first")
	await("the first one leads", func() bool { return !first.Behaviour().Follower })
	node := memory.Node{ID: "first", Address: "192.0.2.1", BootID: "\xff\x00", State: zone.StateUp, Labels: memory.Named("web-1")}
	first.Directory.Set(node)
	if err := first.Directory.Err(); err != nil {
		t.Fatal(err)
	}
	second, _ := run("second")
	await("the second one names it", func() bool {
		return second.Leader() == memory.Leader{ID: "first", Host: "192.0.2.1", Port: 7835}
	})
	if !second.Behaviour().Follower {
		t.Error("both lead")
	}
	stop()
	await("the second one leads", func() bool { return !second.Behaviour().Follower })
	if nodes := second.Directory.Nodes(); len(nodes) != 1 || !reflect.DeepEqual(nodes[0], node) {
		t.Errorf("nodes %+v", nodes)
	}
	if err := (&store{dir: dir + "/missing", server: second}).Run(t.Context()); err == nil {
		t.Error("a missing directory is no error")
	}
}
