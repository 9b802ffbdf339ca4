package curator

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// patience ends a test that would wait for ever. No outcome depends on it.
const patience = testkit.Patience

var _ Sink = (*zone.Source)(nil)

// recorder is a sink that keeps all its calls, and the state that follows.
type recorder struct {
	mu        sync.Mutex
	calls     []string
	nodes     map[string]zone.Entry
	self      string // our own ID
	connected bool
	cluster   string
	changed   chan struct{} // closed at the next call
}

func newRecorder() *recorder {
	return &recorder{nodes: make(map[string]zone.Entry), changed: make(chan struct{})}
}

func (r *recorder) record(call string, change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	change()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *recorder) SetCluster(id string) { r.record("cluster", func() { r.cluster = id }) }
func (r *recorder) SetConnected(c bool) {
	r.record(fmt.Sprint("connected ", c), func() { r.connected = c })
}
func (r *recorder) Begin()    { r.record("begin", func() {}) }
func (r *recorder) Complete() { r.record("complete", func() {}) }
func (r *recorder) Settle()   { r.record("settle", func() {}) }

func (r *recorder) Set(entries ...zone.Entry) {
	r.record(fmt.Sprint("set ", len(entries)), func() {
		for _, entry := range entries {
			r.nodes[entry.ID] = entry
		}
	})
}

func (r *recorder) Gone(ids ...string) {
	r.record("gone "+strings.Join(ids, " "), func() {
		for _, id := range ids {
			delete(r.nodes, id)
		}
	})
}

// count returns how often a call was made.
func (r *recorder) count(call string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.calls {
		if c == call {
			n++
		}
	}
	return n
}

// story is all calls so far, on one line.
func (r *recorder) story() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.calls, ", ")
}

// addresses maps the IDs of the known nodes to their addresses. Ours and those of
// the curators are left out, which each cluster has.
func (r *recorder) addresses() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]string)
	for id, entry := range r.nodes {
		if entry.Roles&zone.ConsensusMember != 0 || id == r.self {
			continue
		}
		all[id] = addressOf(entry)
	}
	return all
}

// addressOf is what an entry has for an address.
func addressOf(e zone.Entry) string {
	if len(e.Addresses) == 0 {
		return e.Malformed
	}
	return e.Addresses[0].String()
}

// address is that of one node.
func (r *recorder) address(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return addressOf(r.nodes[id])
}

// names are those of one node.
func (r *recorder) names(id string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nodes[id].Names
}

// await returns when ok is true, which is checked after each call.
func (r *recorder) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("still waiting for %s after: %s", what, r.story())
		}
	}
}

// awaitCall returns when a call has been made n times.
func (r *recorder) awaitCall(t *testing.T, call string, n int) {
	t.Helper()
	r.await(t, fmt.Sprintf("%q for the %d. time", call, n), func() bool { return r.count(call) >= n })
}

// awaitNodes returns when the known nodes are the wanted ones.
func (r *recorder) awaitNodes(t *testing.T, want map[string]string) {
	t.Helper()
	r.await(t, fmt.Sprint("nodes ", slices.Sorted(maps.Keys(want))), func() bool { return maps.Equal(r.addresses(), want) })
}
