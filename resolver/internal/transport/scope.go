package transport

import (
	"context"
	"sync"
)

// Scope owns goroutines, which end together. It may be used concurrently.
type Scope struct {
	ctx     context.Context // the goroutines', which outlive the calls that started them
	cancel  context.CancelFunc
	mu      sync.Mutex // orders Go and End
	ended   bool
	running sync.WaitGroup
}

// NewScope returns a scope that ends with its parent, or by End, which has to
// be called in either case.
func NewScope(parent context.Context) *Scope {
	ctx, cancel := context.WithCancel(parent)
	return &Scope{ctx: ctx, cancel: cancel}
}

// Context ends with the scope.
func (s *Scope) Context() context.Context { return s.ctx }

// Go starts a goroutine, unless the scope has ended, and reports whether it did.
// The function has to return soon after the scope's context has ended.
func (s *Scope) Go(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.ctx.Err() != nil {
		return false
	}
	s.running.Go(f)
	return true
}

// End ends the scope and waits for its goroutines.
func (s *Scope) End() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
}
