package curator

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/zone"
)

const (
	// minDelay is the longest first pause after all candidates failed, and
	// maxDelay the longest of all.
	minDelay = 250 * time.Millisecond
	maxDelay = 10 * time.Second
	// maxFailoverPause is the longest pause between two changes to other leaders,
	// which only curators that keep naming new ones bring about.
	maxFailoverPause = 4 * time.Second
	// stableAfter is how long a leader must have lasted for the next change to
	// count as a first one.
	stableAfter = 30 * time.Second
)

// runPlan carries out the plan until it is superseded or ctx ends.
func (w *Watcher) runPlan(ctx context.Context, p *plan, log *failureLog) {
	var listening sync.WaitGroup
	defer listening.Wait()
	ctx, end := p.bind(ctx)
	defer end()
	w.reject("", nil)
	w.forgetPresence()
	if p.idle != "" {
		w.enter(p.idle, p.detail)
		log.idle(w.log, p.idle, p.detail)
		<-ctx.Done()
		return
	}
	w.authority.renew(p)
	if p.credentials != nil {
		w.authority.setCluster(p.credentials.ClusterID())
		w.sink.SetCluster(p.credentials.ClusterID())
	}
	log.renewed()
	leaders := newLeaderTracker(w, p)
	listening.Go(func() { leaders.run(ctx) })
	delays := retry.Backoff{First: minDelay, Max: maxDelay}
	failovers := retry.Backoff{First: minDelay, Max: maxFailoverPause}
	var pause time.Duration
	for ctx.Err() == nil {
		began := time.Now()
		target, err := w.attemptAll(ctx, leaders, pause, &delays, log)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			if time.Since(began) > stableAfter {
				failovers.Reset()
			}
			pause = failovers.Next()
			w.failedOver(leaders)
		default:
			pause = 0
			if notReady(err) {
				delays.Reset() // the connection paces its attempts itself
			}
			w.backOff(ctx, leaders, target, delays.Next(), err)
		}
	}
}

// resetAfter lets the pauses start over after a stream that lasted. It must have
// lasted as long as the longest pause, so that a curator which breaks down soon
// after each new stream is tried less and less often.
func resetAfter(delays *retry.Backoff, lasted time.Duration) {
	if lasted >= delays.Max {
		delays.Reset()
	}
}

// failedOver counts and logs that an attempt, or a stream, was left for the
// curator that leads.
func (w *Watcher) failedOver(leaders *leaderTracker) {
	w.update(func(s *Status) { s.Failovers++ })
	w.log.Info("leader changed, reconnecting", "leader", leaders.leader())
}

// backOff waits after all candidates failed. It ends early when the curators
// name another leader than these were for.
func (w *Watcher) backOff(ctx context.Context, leaders *leaderTracker, target target, delay time.Duration, err error) {
	state := failedState(err)
	w.reject(state, err)
	w.enter(state, fmt.Sprintf("%v; next attempt in %v", err, delay.Round(time.Millisecond)))
	ctx, end := leaders.untilLeaderMoves(ctx, target, true, minDelay)
	defer end()
	retry.Sleep(ctx, delay)
}

// reject records how the last attempts ended, if it was by a refusal of either
// side.
func (w *Watcher) reject(state State, err error) {
	w.update(func(s *Status) {
		s.Rejected, s.RejectedDetail = "", ""
		if state == StateRefused || state == StateUnauthorized {
			s.Rejected, s.RejectedDetail = state, err.Error()
		}
	})
}

// candidate is a curator that may deliver the stream, and how to open it there.
type candidate struct {
	endpoint Endpoint // zero with a dialer
	source   source
}

// name is the endpoint as the status has it.
func (c candidate) name() string {
	return c.endpoint.Address()
}

// attemptAll tries each candidate once, the leader first, until one delivers a
// stream, and returns when that has ended or all have failed. There is no error
// when the stream was left because another curator leads.
func (w *Watcher) attemptAll(ctx context.Context, leaders *leaderTracker, pause time.Duration, delays *retry.Backoff, log *failureLog) (target, error) {
	candidates, target := leaders.candidates()
	stay, end := leaders.untilLeaderMoves(ctx, target, false, pause)
	defer end()
	var failed failures
	for _, c := range candidates {
		delivered, err := w.follow(stay, c, delays, log)
		switch {
		case stay.Err() != nil:
			return target, nil
		case delivered && !unauthorized(err):
			leaders.prefer(c.endpoint)
			return target, err
		}
		failed = append(failed, err)
	}
	return target, failed
}

// currentCurator is the one that is followed, or tried.
type currentCurator struct {
	endpoint Endpoint
	id       zone.ID // by its certificate; empty while that is not known
}
