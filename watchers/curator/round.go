package curator

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nodedns/nodedns/zone"
)

const (
	// maxMove is the longest time between two moves to other leaders, which
	// only curators that name ever new ones bring about.
	maxMove = 4 * time.Second
	// calm is how long a leader must have lasted for the next move to be
	// taken for a first one.
	calm = 30 * time.Second
)

// carryOut does what the plan says until it is superseded or ctx ends.
func (w *Watcher) carryOut(ctx context.Context, p *plan, j *journal) {
	var listening sync.WaitGroup
	defer listening.Wait()
	ctx, end := p.bind(ctx)
	defer end()
	w.reject("", nil)
	w.forgetPresence()
	if p.idle != "" {
		w.enter(p.idle, p.detail)
		j.idle(w.log, p.idle, p.detail)
		<-ctx.Done()
		return
	}
	w.authority.renew(p)
	if p.credentials != nil {
		w.authority.setCluster(p.credentials.ClusterID())
		w.sink.SetCluster(p.credentials.ClusterID())
	}
	j.renewed()
	c := newCouncil(w, p)
	listening.Go(func() { c.run(ctx) })
	delays, moves := backoff{}, backoff{most: maxMove}
	var pause time.Duration
	for ctx.Err() == nil {
		began := time.Now()
		course, err := w.round(ctx, c, pause, &delays, j)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			if time.Since(began) > calm {
				moves.reset()
			}
			pause = moves.next()
			w.moved(c)
		default:
			pause = 0
			w.rest(ctx, c, course, delays.next(), err)
		}
	}
}

// moved tells that an attempt, or a stream, was left for the curator that leads.
func (w *Watcher) moved(c *council) {
	w.update(func(s *Status) { s.Moves++ })
	w.log.Info("the leader is elsewhere: moving there", "leader", c.leader())
}

// rest waits after a round that failed. It ends early when the curators name
// another leader than that round sought.
func (w *Watcher) rest(ctx context.Context, c *council, course course, delay time.Duration, err error) {
	state := failedState(err)
	w.reject(state, err)
	w.enter(state, fmt.Sprintf("%v; next attempt in %v", err, delay.Round(time.Millisecond)))
	ctx, end := c.hold(ctx, course, true, minDelay)
	defer end()
	sleep(ctx, delay)
}

// reject keeps how a round ended, if it was by a refusal of either side.
func (w *Watcher) reject(state State, err error) {
	w.update(func(s *Status) {
		s.Rejected, s.RejectedDetail = "", ""
		if state == StateRefused || state == StateUnauthorized {
			s.Rejected, s.RejectedDetail = state, err.Error()
		}
	})
}

// way is one way to a curator.
type way struct {
	endpoint Endpoint // zero with a dialer
	source   source
}

// name is the endpoint as the status has it.
func (b way) name() string {
	return b.endpoint.Address()
}

// way returns the way to an endpoint.
func (w *Watcher) way(p *plan, endpoint Endpoint) way {
	return way{endpoint, w.endpointSource(p, endpoint)}
}

// round tries each way once, that to the leader first, until one delivers a
// stream, and returns when that has ended or all have failed. There is no error
// when the stream was left because another curator leads.
func (w *Watcher) round(ctx context.Context, c *council, pause time.Duration, delays *backoff, j *journal) (course, error) {
	ways, course := c.ways()
	stay, end := c.hold(ctx, course, false, pause)
	defer end()
	var failed failures
	for _, by := range ways {
		delivered, err := w.follow(stay, by, delays, j)
		switch {
		case stay.Err() != nil:
			return course, nil
		case delivered && !unauthorized(err):
			c.prefer(by.endpoint)
			return course, err
		}
		failed = append(failed, err)
	}
	return course, failed
}

// station is the curator that the watcher is at, or tries to reach.
type station struct {
	endpoint Endpoint
	id       zone.ID // by its certificate; empty while that is not known
}
