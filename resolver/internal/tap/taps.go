package tap

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxWatchers is how many may watch at a time.
const MaxWatchers = 8

// ErrTooMany is that MaxWatchers watch already.
var ErrTooMany = errors.New("too many watch the queries already; end one of them")

// Taps are where the queries of a server can be watched. The zero value is
// ready. All methods may be called concurrently.
type Taps struct {
	// watchers is nil while there are none. The slice never changes; another
	// one replaces it.
	watchers atomic.Pointer[[]*Watcher]
	mu       sync.Mutex // of who replaces it
	missed   atomic.Uint64
}

// Stats tell of all who watch, and who have watched.
type Stats struct {
	Watchers int    // now
	Missed   uint64 // events, for want of room
}

// Stats returns the counts so far.
func (t *Taps) Stats() Stats {
	return Stats{Watchers: len(t.current()), Missed: t.missed.Load()}
}

// Watched says whether events are worth telling.
func (t *Taps) Watched() bool { return t.watchers.Load() != nil }

// Tell gives an event to all who watch. The reply is copied, so that the caller
// may use its memory again.
func (t *Taps) Tell(e *Event) {
	watchers := t.watchers.Load()
	if watchers == nil {
		return // the last one has gone meanwhile
	}
	for _, w := range *watchers {
		w.take(e)
	}
}

// Watch begins to watch. The error is ErrTooMany. The caller has to Close the
// watcher.
func (t *Taps) Watch() (*Watcher, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	there := t.current()
	if len(there) >= MaxWatchers {
		return nil, ErrTooMany
	}
	w := &Watcher{taps: t, wake: make(chan struct{}, 1)}
	t.replace(append(slices.Clone(there), w))
	return w, nil
}

// leave ends the watch of one.
func (t *Taps) leave(w *Watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.replace(slices.DeleteFunc(slices.Clone(t.current()), func(one *Watcher) bool { return one == w }))
}

// current are those who watch. Who replaces them holds mu.
func (t *Taps) current() []*Watcher {
	if watchers := t.watchers.Load(); watchers != nil {
		return *watchers
	}
	return nil
}

// replace is called with mu held.
func (t *Taps) replace(watchers []*Watcher) {
	if len(watchers) == 0 {
		t.watchers.Store(nil)
		return
	}
	t.watchers.Store(&watchers)
}
