package resolver

import (
	"sync"
	"sync/atomic"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// plainRcodes is the number of response codes that a header alone can have.
const plainRcodes = 16

// tally counts the replies of the fast path. Each is one message received, so
// that over UDP nothing else needs to be counted.
//
// A tally that a single core writes to shares no cache line with anything: an
// addition then costs a tenth.
type tally struct {
	_       [64]byte
	replies [decision.Sources][plainRcodes]atomic.Uint64
	tcp     atomic.Uint64 // of the replies
	_       [64]byte
}

func (t *tally) replied(tcp bool, source decision.Source, rcode int) {
	t.replies[source][rcode].Add(1)
	if tcp {
		t.tcp.Add(1)
	}
}

// udp is the number of the replies that went over UDP.
func (t *tally) udp() (n uint64) {
	tcp := t.tcp.Load() // read first, since it is counted last
	for source := range t.replies {
		for rcode := range t.replies[source] {
			n += t.replies[source][rcode].Load()
		}
	}
	return n - tcp
}

// add adds the counts of another one.
func (t *tally) add(other *tally) {
	t.tcp.Add(other.tcp.Load())
	for source := range t.replies {
		for rcode := range t.replies[source] {
			t.replies[source][rcode].Add(other.replies[source][rcode].Load())
		}
	}
}

// tallies are those of the workers, and one shared by all callers without a
// worker.
type tallies struct {
	shared tally

	mu   sync.Mutex
	each []*tally
}

// begin returns the tally of a new worker.
func (t *tallies) begin() *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := new(tally)
	t.each = append(t.each, fresh)
	return fresh
}

// end keeps the counts of the workers, which have ended, and drops the workers.
func (t *tallies) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range t.each {
		t.shared.add(one)
	}
	t.each = nil
}

// sum is all of them as one.
func (t *tallies) sum() *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := new(tally)
	all.add(&t.shared)
	for _, one := range t.each {
		all.add(one)
	}
	return all
}
