package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// truth is what may be answered for a name: what has been true of it since all
// nodes agreed last. Its methods may be called concurrently.
type truth struct {
	name    string
	others  bool          // it is a name of the upstreams
	node    *truth        // whose name it is, by its ID; nil: it has addresses of its own
	changed atomic.Uint32 // how often what may be answered has changed

	mu      sync.Mutex
	allowed []netip.Addr
	now     netip.Addr // invalid: it does not exist
	absent  bool       // it may be answered that it does not exist
	left    bool       // the node has left: that it is answered still is no must
	since   time.Time  // when all nodes agreed last
	former  []netip.Addr
	gone    bool // absent, before that
}

func newTruth(name string, addr netip.Addr) *truth {
	tr := &truth{name: name, now: addr, absent: !addr.IsValid()}
	if addr.IsValid() {
		tr.allowed = []netip.Addr{addr}
	}
	return tr
}

// newNameTruth is a name of a node that does not exist yet.
func newNameTruth(name string, node *truth) *truth {
	tr := newTruth(name, netip.Addr{})
	tr.node = node
	return tr
}

// becomes is called before the change is made: it may be answered at once.
func (tr *truth) becomes(addr netip.Addr) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.changed.Add(1)
	if !tr.now.IsValid() || !addr.IsValid() {
		tr.absent = true
	}
	if tr.now, tr.left = addr, false; addr.IsValid() && !slices.Contains(tr.allowed, addr) {
		tr.allowed = append(tr.allowed, addr)
	}
}

// leaves is becomes for a node that leaves, which is answered as it was by those
// that have known it.
func (tr *truth) leaves() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.left, tr.absent = true, true
}

// doubt has the name be absent for a while, until all agree again.
func (tr *truth) doubt() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.absent = true
}

// agreed forgets what was true before.
func (tr *truth) agreed() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.changed.Add(1)
	tr.since, tr.former, tr.gone = time.Now(), tr.allowed, tr.absent
	if tr.left {
		return
	}
	tr.allowed, tr.absent = nil, !tr.now.IsValid()
	if tr.now.IsValid() {
		tr.allowed = []netip.Addr{tr.now}
	}
}

// allows reports whether a name may have exactly these addresses, by what was asked
// at that time; none is that it does not exist.
func (tr *truth) allows(at time.Time, addrs ...netip.Addr) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	old := at.Before(tr.since)
	existed := len(tr.allowed) > 0 || old && len(tr.former) > 0
	for _, addr := range addrs {
		switch {
		case slices.Contains(tr.allowed, addr), old && slices.Contains(tr.former, addr):
		case existed && tr.node != nil && tr.node.allows(at, addr): // of the name and the address one was news first
		default:
			return false
		}
	}
	return len(addrs) > 0 || tr.absent || old && tr.gone
}

// isCurrent reports whether what is asked at that time has to be as it is now.
func (tr *truth) isCurrent(at time.Time) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return !at.Before(tr.since)
}

func (tr *truth) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return fmt.Sprintf("%v (absent: %v)", tr.allowed, tr.absent)
}

// present is the address that the name has now. It is invalid where the name does
// not exist, and settled false where that is for each node to know.
func (tr *truth) present() (addr netip.Addr, settled bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.now, !tr.left
}
