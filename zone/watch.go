package zone

import (
	"context"
	"iter"
)

// Watch yields the newest snapshot at once and then each newer one, until ctx
// ends or the loop is left. What is published while the loop's body runs is
// skipped but for the newest: a watcher sees levels, not edges, and blocks no
// source.
func (s *Store) Watch(ctx context.Context) iter.Seq[*Snapshot] {
	return func(yield func(*Snapshot) bool) {
		newest := make(chan *Snapshot, 1)
		s.mu.Lock()
		s.watchers[newest] = struct{}{}
		newest <- s.Snapshot()
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			delete(s.watchers, newest)
			s.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case snapshot := <-newest:
				if ctx.Err() != nil || !yield(snapshot) {
					return
				}
			}
		}
	}
}

// offer replaces what the watcher has not taken yet. The Store's lock makes it
// the only sender, so neither step blocks.
func offer(watcher chan *Snapshot, next *Snapshot) {
	select {
	case <-watcher:
	default:
	}
	watcher <- next
}
