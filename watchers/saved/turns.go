package saved

import (
	"fmt"
	"sync"
	"time"
)

const (
	// patience is when a state directory counts as one that does not answer. A
	// million nodes on a slow disk take a third of it.
	patience = 30 * time.Second
	// aheadPatience is how long the hosts file waits.
	aheadPatience = time.Second
)

// turns let one goroutine at once use the file. The zero value is ready.
type turns struct {
	once  sync.Once
	taken chan struct{} // has one element during a turn
}

// inTurn calls f when no other call of f runs, and returns its error. Where that takes
// longer than limit it returns an error at once: a disk that hangs must not hold up
// what can do without it. An f that has begun ends nevertheless, with its turn, so it
// may only set what its caller does not use after an error.
func (d *Directory) inTurn(limit time.Duration, f func() error) error {
	t := &d.turns
	t.once.Do(func() { t.taken = make(chan struct{}, 1) })
	late := time.NewTimer(limit)
	defer late.Stop()
	ended := make(chan error, 1)
	select {
	case t.taken <- struct{}{}:
		go func() {
			err := f()
			<-t.taken
			ended <- err
		}()
	case <-late.C:
		return d.lateError(limit)
	}
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return d.lateError(limit)
	}
}

func (d *Directory) lateError(limit time.Duration) error {
	return fmt.Errorf("save the nodes: %s has not answered for %v; check its disk", d.Path, limit)
}
