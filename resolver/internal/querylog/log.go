package querylog

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// MaxWatchers is the number of watchers that may exist concurrently.
const MaxWatchers = 8

// ErrTooMany is returned when there are MaxWatchers already.
var ErrTooMany = errors.New("too many watch the queries already; end one of them")

// Log is where the queries of a server can be watched. The zero value is
// ready. All methods may be called concurrently.
type Log struct {
	// watchers is nil while there are none. The slice is immutable; another one
	// replaces it.
	watchers atomic.Pointer[[]*Watcher]
	mu       sync.Mutex // held to replace it
	missed   atomic.Uint64
}

// Stats count over all watchers, present and past.
type Stats struct {
	Watchers int    // now
	Missed   uint64 // entries, for lack of room
}

// Stats returns the counts so far.
func (l *Log) Stats() Stats {
	return Stats{Watchers: len(l.current()), Missed: l.missed.Load()}
}

// Watched reports whether there is a watcher.
func (l *Log) Watched() bool { return l.watchers.Load() != nil }

// Publish copies an entry to all watchers. The reply is copied, so that the caller
// may use its memory again.
func (l *Log) Publish(e *Entry) {
	watchers := l.watchers.Load()
	if watchers == nil {
		return // the last one was closed meanwhile
	}
	for _, w := range *watchers {
		w.take(e)
	}
}

// Watch begins to watch. The error is ErrTooMany. The caller has to Close the
// watcher.
func (l *Log) Watch() (*Watcher, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	there := l.current()
	if len(there) >= MaxWatchers {
		return nil, ErrTooMany
	}
	w := &Watcher{log: l, wake: make(chan struct{}, 1)}
	l.replace(append(slices.Clone(there), w))
	return w, nil
}

// leave removes a watcher.
func (l *Log) leave(w *Watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replace(slices.DeleteFunc(slices.Clone(l.current()), func(one *Watcher) bool { return one == w }))
}

// current are the watchers. A caller that replaces them holds mu.
func (l *Log) current() []*Watcher {
	if watchers := l.watchers.Load(); watchers != nil {
		return *watchers
	}
	return nil
}

// replace is called with mu held.
func (l *Log) replace(watchers []*Watcher) {
	if len(watchers) == 0 {
		l.watchers.Store(nil)
		return
	}
	l.watchers.Store(&watchers)
}
