package transport

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// full is a carrier that takes no query, as one of HTTP/2 that says so at once.
type full struct {
	ended context.Context
	end   func()
}

func (full) roundTrip(context.Context, []byte, Accept) ([]byte, error) { return nil, errUnsent }
func (f full) serve() error                                            { <-f.ended.Done(); return errClosed }
func (f full) close()                                                  { f.end() }
func (full) heard() time.Time                                          { return time.Time{} }
func (full) takes() bool                                               { return false }

// A server whose connections take no query is not connected to without end.
func TestConnectionsThatTakeNothingAreFew(t *testing.T) {
	scope := NewScope(t.Context())
	defer scope.End()
	var dials atomic.Int32
	k := Kept{pool{scope: scope, limits: Limits{}.withDefaults(), dial: func(context.Context) (carrier, error) {
		dials.Add(1)
		ended, end := context.WithCancel(t.Context())
		return full{ended, end}, nil
	}}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := k.RoundTrip(ctx, make([]byte, headerLen), nil)
	if n := dials.Load(); !errors.Is(err, errUnsent) || n > maxUnsent {
		t.Errorf("%d connections: %v", n, err)
	}
}
