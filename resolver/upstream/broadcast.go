package upstream

import "sync"

// broadcast wakes all that wait for something that happens now and then. The zero
// value is ready.
type broadcast struct {
	mu   sync.Mutex
	next chan struct{} // nil while there is nothing to wake
}

// wait returns a channel that the next send closes.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

// send wakes all that wait. It does not block.
func (b *broadcast) send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}
