package curator

import (
	"context"
	"errors"
	"slices"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

// levels are what the watcher is given from outside, newest values only.
type levels struct {
	dialer      Dialer
	endpoints   []Endpoint
	credentials *nodetls.Credentials
	// fault is why there are no credentials.
	fault error
	// nameLabel is the key of the label with a node's readable name, or empty.
	nameLabel string
}

// plan is what follows from the levels: how to reach a curator, or why not. It
// is immutable; a change of the levels makes a new one.
type plan struct {
	dialer      Dialer
	endpoints   []Endpoint
	credentials *nodetls.Credentials

	// idle is the state to be in while there is no way to reach a curator, or
	// "" when there is one, and detail the reason.
	idle   State
	detail string

	// superseded is closed when another plan has replaced this one.
	superseded chan struct{}
}

// derive makes a plan. The embedder's dialer wins over endpoints: it is made by
// the node's own daemon, which knows more.
func (l *levels) derive(insecure bool) *plan {
	p := &plan{superseded: make(chan struct{})}
	switch {
	case l.dialer != nil:
		p.dialer = l.dialer
	case len(l.endpoints) == 0:
		p.idle, p.detail = StateOff, "no curator is configured"
	case insecure:
		p.endpoints = l.endpoints
	case l.credentials != nil:
		p.endpoints, p.credentials = l.endpoints, l.credentials
	default:
		p.idle, p.detail = credentialsState(l.fault), credentialsDetail(l.fault)
	}
	return p
}

func credentialsState(fault error) State {
	loadErr, ok := errors.AsType[*nodetls.LoadError](fault)
	if ok && !loadErr.Waiting() {
		return StateBadCredentials
	}
	return StateAwaitingCredentials
}

func credentialsDetail(fault error) string {
	if fault == nil {
		return "no credentials directory is configured"
	}
	return fault.Error()
}

// same reports whether p and other lead to the same connections. Two dialers
// cannot be compared, so plans with dialers always differ.
func (p *plan) same(other *plan) bool {
	return p.dialer == nil && other.dialer == nil &&
		slices.Equal(p.endpoints, other.endpoints) &&
		p.credentials.Equal(other.credentials) &&
		p.idle == other.idle && p.detail == other.detail
}

// bind returns a context that ends with ctx or with the plan, and the function
// that ends it and waits for the goroutine behind it.
func (p *plan) bind(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer cancel()
		select {
		case <-p.superseded:
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-ended
	}
}

// SetDialer sets or replaces the embedder's dialer, or takes it away with nil.
// A stream that is running ends, and a new one is opened the new way at once.
// It may be called at any time from any goroutine.
func (w *Watcher) SetDialer(dialer Dialer) {
	w.change(dialer != nil, func(l *levels) { l.dialer = dialer })
}

// SetEndpoints replaces the endpoints, none being a valid choice, unless one of
// them is wrong. It may be called at any time from any goroutine.
func (w *Watcher) SetEndpoints(endpoints []Endpoint) error {
	checked, err := endpointsIn(w.cfg.Prefix, endpoints, w.cfg.Insecure)
	if err != nil {
		return err
	}
	w.change(false, func(l *levels) { l.endpoints = checked })
	return nil
}

// Endpoints returns the present endpoints.
func (w *Watcher) Endpoints() []Endpoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.levels.endpoints)
}

// SetNameLabel sets the key of the label that has a node's readable name; empty
// means that none has one. A stream that is running ends, and all is read again by
// a new one at once. It may be called at any time from any goroutine.
func (w *Watcher) SetNameLabel(key string) {
	if w.nameLabel() != key {
		w.change(true, func(l *levels) { l.nameLabel = key })
	}
}

// nameLabel returns the present one.
func (w *Watcher) nameLabel() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.levels.nameLabel
}

// setCredentials takes the two results of loading them.
func (w *Watcher) setCredentials(credentials *nodetls.Credentials, fault error) {
	w.change(false, func(l *levels) { l.credentials, l.fault = credentials, fault })
}

// change applies set to the levels and puts the plan that follows in force,
// unless it is the same as before.
func (w *Watcher) change(renew bool, set func(*levels)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	set(&w.levels)
	next := w.levels.derive(w.cfg.Insecure)
	// A dialer that stays is not a new one, though the two cannot be compared.
	if !renew && (next.dialer != nil && w.plan.dialer != nil || next.same(w.plan)) {
		return
	}
	close(w.plan.superseded)
	w.plan = next
}

// current returns the plan in force.
func (w *Watcher) currentPlan() *plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plan
}
