package curator

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// maxCurators bounds the curators that are listened to. Those that are
// configured are, however many; those learnt from a backlog fill up the rest. A
// control plane has three or five.
const maxCurators = 16

// digest is the least time between two changes of the curators learnt from a
// backlog. Each may mean a connection to wherever the cluster says, which may say
// something else a thousand times a second.
const digest = time.Second

// council is what the curators say of who leads: one voice for each, newest
// only. Whoever wants to know reads it; nobody is told but that it changed.
type council struct {
	w    *Watcher
	plan *plan

	mu      sync.Mutex
	learnt  []Endpoint // of nodes that may speak for the cluster
	voices  map[Endpoint]voice
	last    Endpoint      // the one that delivered a stream last
	changed chan struct{} // closed at the next change of the above
}

func newCouncil(w *Watcher, p *plan) *council {
	return &council{w: w, plan: p, voices: map[Endpoint]voice{}, changed: make(chan struct{})}
}

// run listens to the curators until ctx ends. It owns the goroutines that do.
func (c *council) run(ctx context.Context) {
	defer c.w.say(nil, "")
	var streams sync.WaitGroup
	defer streams.Wait()
	streams.Go(func() { c.learn(ctx) })
	listening := map[Endpoint]context.CancelFunc{}
	for {
		wanted, changed := c.wanted()
		for endpoint, stop := range listening {
			if !slices.Contains(wanted, endpoint) || c.unauthorized(endpoint) {
				stop()
				delete(listening, endpoint)
				c.forget(endpoint)
			}
		}
		for _, endpoint := range wanted {
			if listening[endpoint] == nil {
				stream, stop := context.WithCancel(ctx)
				listening[endpoint] = stop
				streams.Go(func() { c.listen(stream, endpoint) })
			}
		}
		c.w.say(c.statements(), c.leader())
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// learn has the nodes listened to that may speak for the cluster, wherever the
// endpoints are. In plain text none can be reached, since nodes are not on
// loopback.
func (c *council) learn(ctx context.Context) {
	if c.plan.credentials == nil || len(c.plan.endpoints) == 0 {
		return
	}
	for ctx.Err() == nil {
		// One that is not heard any more may have moved to another port.
		_, moved := c.wanted()
		ids, changed := c.w.authority.known()
		learnt := make([]Endpoint, len(ids))
		for i, id := range ids {
			learnt[i] = c.w.endpointOf(id)
		}
		c.learned(learnt)
		select {
		case <-changed:
		case <-moved:
		case <-ctx.Done():
		}
		sleep(ctx, digest)
	}
}

// learned takes the endpoints of nodes that may speak for the cluster, which may
// be the same ones.
func (c *council) learned(endpoints []Endpoint) {
	c.mu.Lock()
	same := slices.Equal(c.learnt, endpoints)
	c.mu.Unlock()
	if !same {
		c.change(func() { c.learnt = endpoints })
	}
}

// wanted lists the curators to listen to, and what is closed when this may have
// changed. One that speaks at another endpoint already is left out.
func (c *council) wanted() ([]Endpoint, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := slices.Clone(c.plan.endpoints)
	for _, endpoint := range c.learnt {
		speaks := func(v voice) bool { return v.heard() && v.self == endpoint.node && slices.Contains(wanted, v.endpoint) }
		if len(wanted) < maxCurators && !slices.Contains(wanted, endpoint) &&
			!slices.ContainsFunc(slices.Collect(maps.Values(c.voices)), speaks) {
			wanted = append(wanted, endpoint)
		}
	}
	return wanted, c.changed
}

// entitled reports whether what is heard of a node counts. In plain text the
// operator vouches for the endpoints.
func (c *council) entitled(id zone.ID) bool {
	return c.plan.credentials == nil || c.w.authority.entitled(id)
}

// unauthorized reports whether the node that is heard at an endpoint has lost the
// right to speak.
func (c *council) unauthorized(endpoint Endpoint) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, known := c.voices[endpoint]
	return known && v.heard() && !c.entitled(v.self)
}

// endpointOf is where the curator of a node is listened to.
func (w *Watcher) endpointOf(id zone.ID) Endpoint {
	endpoint := Endpoint{host: string(id), node: id, port: DefaultPort}
	if w.cfg.Port != nil {
		endpoint.port = cmp.Or(w.cfg.Port(id), DefaultPort)
	}
	return endpoint
}

func (c *council) change(set func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set()
	if c.plan.credentials != nil {
		c.w.authority.hear(slices.DeleteFunc(slices.Collect(maps.Values(c.voices)), func(v voice) bool { return !v.heard() }))
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// tell takes what is heard at an endpoint, unless ctx has ended: it is not
// listened to any more then.
func (c *council) tell(ctx context.Context, v voice) {
	c.change(func() {
		if ctx.Err() == nil {
			c.voices[v.endpoint] = v
		}
	})
}

func (c *council) forget(endpoint Endpoint) {
	c.change(func() { delete(c.voices, endpoint) })
}

// prefer remembers which endpoint has delivered a stream. While nobody knows
// the leader it is the first to be tried.
func (c *council) prefer(endpoint Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = endpoint
}

// course is where the leader is, as far as that is known.
type course struct {
	leader zone.ID
	at     Endpoint // where it speaks itself; zero where it is not heard
}

// ways lists all ways to a stream, best first, and the course that they are for.
func (c *council) ways() ([]way, course) {
	if dial := c.plan.dialer; dial != nil {
		return []way{{source: func(ctx context.Context, deliver delivery) error {
			return c.w.receive(ctx, dial, deliver)
		}}}, course{}
	}
	wanted, _ := c.wanted()
	c.mu.Lock()
	defer c.mu.Unlock()
	voices, course := c.judge()
	if i := slices.Index(wanted, c.last); i > 0 {
		wanted = append(slices.Clone(wanted[i:]), wanted[:i]...)
	}
	ways := []way{}
	for _, endpoint := range append(places(voices, course.leader), wanted...) {
		if !slices.ContainsFunc(ways, func(by way) bool { return by.endpoint == endpoint }) {
			ways = append(ways, c.w.way(c.plan, endpoint))
		}
	}
	return ways, course
}

// judge decides who leads, by what entitled nodes report now. The caller holds
// the lock.
func (c *council) judge() ([]voice, course) {
	voices := slices.SortedFunc(maps.Values(c.voices), func(a, b voice) int {
		return cmp.Compare(a.endpoint.String(), b.endpoint.String())
	})
	voices = slices.DeleteFunc(voices, func(v voice) bool { return v.heard() && !c.entitled(v.self) })
	course := course{leader: elect(voices, c.present())}
	for _, v := range voices {
		if course.leader != "" && v.leads(course.leader) {
			course.at = v.endpoint
			break
		}
	}
	return voices, course
}

// present is the curator that the watcher is at. The caller holds the lock.
func (c *council) present() zone.ID {
	on := c.w.station()
	if on.id != "" {
		return on.id
	}
	return c.voices[on.endpoint].self
}

func (c *council) leader() zone.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, course := c.judge()
	return course.leader
}

// elsewhere says whether the leader is to be sought anew by who has sought it
// on another course: another one leads, or the one that could not be reached
// has spoken. Who is resting is at no curator, also not at the one that was
// tried last.
func (c *council) elsewhere(sought course, resting bool) (bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, now := c.judge()
	here := now.leader == "" || !resting && now.leader == c.present()
	return !here && now != sought && (now.leader != sought.leader || now.at != (Endpoint{})), c.changed
}

// hold returns a context that ends with ctx, or when the leader is elsewhere,
// but for that not before a pause is over. The function ends it and waits for
// the goroutine behind it.
func (c *council) hold(ctx context.Context, sought course, resting bool, pause time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() {
		defer cancel()
		sleep(ctx, pause)
		for ctx.Err() == nil {
			elsewhere, changed := c.elsewhere(sought, resting)
			if elsewhere {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	})
	return ctx, func() {
		cancel()
		looking.Wait()
	}
}
