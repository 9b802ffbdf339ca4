package curator

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/zone"
)

// maxCurators bounds the curators that are watched for the leader. Those that are
// configured are, however many; those learned from a backlog fill up the rest. A
// control plane has three or five.
const maxCurators = 16

// learnInterval is the least time between two changes of the curators learned
// from a backlog. Each may mean a connection to wherever the cluster's data points,
// which may change a thousand times a second.
const learnInterval = time.Second

// leaderTracker keeps what the curators report of the leader, the newest report of
// each. Its readers are woken when that changed, and read all of it again.
type leaderTracker struct {
	w      *Watcher
	plan   *plan
	conns  *connections
	dialed dialed

	mu      sync.Mutex
	learned []Endpoint // of nodes that may speak for the cluster
	reports map[Endpoint]leaderReport
	last    Endpoint      // the one that delivered a stream last
	changed chan struct{} // closed at the next change of the above
}

func newLeaderTracker(w *Watcher, p *plan) *leaderTracker {
	return &leaderTracker{w: w, plan: p, conns: newConnections(w, p), dialed: dialed{dial: p.dialer}, reports: map[Endpoint]leaderReport{}, changed: make(chan struct{})}
}

// run watches the curators until ctx ends. It owns the goroutines that do.
func (t *leaderTracker) run(ctx context.Context) {
	defer t.w.setLeaderReports(nil, "")
	var streams sync.WaitGroup
	defer streams.Wait()
	streams.Go(func() { t.learn(ctx) })
	watching := map[Endpoint]context.CancelFunc{}
	for {
		wanted, changed := t.wanted()
		for endpoint, stop := range watching {
			if !slices.Contains(wanted, endpoint) || t.unauthorized(endpoint) {
				stop()
				delete(watching, endpoint)
				t.forget(endpoint)
			}
		}
		for _, endpoint := range wanted {
			if watching[endpoint] == nil {
				stream, stop := context.WithCancel(ctx)
				watching[endpoint] = stop
				streams.Go(func() { t.keepWatching(stream, endpoint) })
			}
		}
		t.w.setLeaderReports(t.leaderReports(), t.leader())
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// learn adds the curators of the nodes that may speak for the cluster, whatever
// the endpoints are. In plain text none can be reached, since nodes are not on
// loopback.
func (t *leaderTracker) learn(ctx context.Context) {
	if t.plan.credentials == nil || len(t.plan.endpoints) == 0 {
		return
	}
	for ctx.Err() == nil {
		// One that reports no more may have moved to another port.
		_, moved := t.wanted()
		ids, changed := t.w.authority.known()
		learned := make([]Endpoint, len(ids))
		for i, id := range ids {
			learned[i] = t.w.endpointOf(id)
		}
		t.setLearned(learned)
		select {
		case <-changed:
		case <-moved:
		case <-ctx.Done():
		}
		retry.Sleep(ctx, learnInterval)
	}
}

// setLearned takes the endpoints of nodes that may speak for the cluster, which
// may be the same ones.
func (t *leaderTracker) setLearned(endpoints []Endpoint) {
	t.mu.Lock()
	same := slices.Equal(t.learned, endpoints)
	t.mu.Unlock()
	if !same {
		t.change(func() { t.learned = endpoints })
	}
}

// wanted lists the curators to watch, and what is closed when this may have
// changed. One that reports at another endpoint already is left out.
func (t *leaderTracker) wanted() ([]Endpoint, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := slices.Clone(t.plan.endpoints)
	for _, endpoint := range t.learned {
		reports := func(r leaderReport) bool {
			return r.live() && r.self == endpoint.node && slices.Contains(wanted, r.endpoint)
		}
		if len(wanted) < maxCurators && !slices.Contains(wanted, endpoint) &&
			!slices.ContainsFunc(slices.Collect(maps.Values(t.reports)), reports) {
			wanted = append(wanted, endpoint)
		}
	}
	return wanted, t.changed
}

// entitled reports whether the reports of a node count. In plain text the
// operator vouches for the endpoints.
func (t *leaderTracker) entitled(id zone.ID) bool {
	return t.plan.credentials == nil || t.w.authority.entitled(id)
}

// unauthorized reports whether the node that reports at an endpoint has lost the
// right to speak.
func (t *leaderTracker) unauthorized(endpoint Endpoint) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	r, known := t.reports[endpoint]
	return known && r.live() && !t.entitled(r.self)
}

// endpointOf is where the curator of a node is expected.
func (w *Watcher) endpointOf(id zone.ID) Endpoint {
	endpoint := Endpoint{host: string(id), node: id, port: DefaultPort}
	if w.cfg.Port != nil {
		endpoint.port = cmp.Or(w.cfg.Port(id), DefaultPort)
	}
	return endpoint
}

func (t *leaderTracker) change(set func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	set()
	if t.plan.credentials != nil {
		t.w.authority.setReports(slices.DeleteFunc(slices.Collect(maps.Values(t.reports)), func(r leaderReport) bool { return !r.live() }))
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// update takes the newest report of an endpoint, unless ctx has ended: it is not
// watched any more then.
func (t *leaderTracker) update(ctx context.Context, r leaderReport) {
	t.change(func() {
		if ctx.Err() == nil {
			t.reports[r.endpoint] = r
		}
	})
}

func (t *leaderTracker) forget(endpoint Endpoint) {
	t.change(func() { delete(t.reports, endpoint) })
}

// prefer remembers which endpoint has delivered a stream. While no leader is
// known it is the first to be tried.
func (t *leaderTracker) prefer(endpoint Endpoint) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = endpoint
}

// target is the leader, as far as it is known.
type target struct {
	leader zone.ID
	at     Endpoint // where it reports itself; zero where it does not
}

// candidates lists the curators to try, the best first, and the leader that they
// are for.
func (t *leaderTracker) candidates() ([]candidate, target) {
	if t.plan.dialer != nil {
		return []candidate{{source: t.dialed.source(t.w)}}, target{}
	}
	wanted, _ := t.wanted()
	t.mu.Lock()
	defer t.mu.Unlock()
	reports, target := t.decide()
	if i := slices.Index(wanted, t.last); i > 0 {
		wanted = append(slices.Clone(wanted[i:]), wanted[:i]...)
	}
	candidates := []candidate{}
	for _, endpoint := range append(leaderEndpoints(reports, target.leader), wanted...) {
		if !slices.ContainsFunc(candidates, func(to candidate) bool { return to.endpoint == endpoint }) {
			candidates = append(candidates, candidate{endpoint, t.w.endpointSource(t.conns, endpoint)})
		}
	}
	return candidates, target
}

// decide finds the leader by what entitled nodes report now. The caller holds the
// lock.
func (t *leaderTracker) decide() ([]leaderReport, target) {
	reports := slices.SortedFunc(maps.Values(t.reports), func(a, b leaderReport) int {
		return cmp.Compare(a.endpoint.String(), b.endpoint.String())
	})
	reports = slices.DeleteFunc(reports, func(r leaderReport) bool { return r.live() && !t.entitled(r.self) })
	target := target{leader: majority(reports, t.currentID())}
	for _, r := range reports {
		if target.leader != "" && r.leads(target.leader) {
			target.at = r.endpoint
			break
		}
	}
	return reports, target
}

// currentID is the node of the current curator. The caller holds the lock.
func (t *leaderTracker) currentID() zone.ID {
	current := t.w.currentCurator()
	if current.id != "" {
		return current.id
	}
	return t.reports[current.endpoint].self
}

func (t *leaderTracker) leader() zone.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, target := t.decide()
	return target.leader
}

// leaderMoved reports whether candidates made for one target are out of date:
// another curator leads, or the leader that could not be reached reports itself.
// During back-off there is no current curator, also not the one tried last.
func (t *leaderTracker) leaderMoved(from target, backingOff bool) (bool, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, now := t.decide()
	here := now.leader == "" || !backingOff && now.leader == t.currentID()
	return !here && now != from && (now.leader != from.leader || now.at != (Endpoint{})), t.changed
}

// untilLeaderMoves returns a context that ends with ctx, or when the leader is
// another one, but for that not before a pause is over. The function ends it and
// waits for the goroutine behind it.
func (t *leaderTracker) untilLeaderMoves(ctx context.Context, from target, backingOff bool, pause time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		defer cancel()
		if began := time.Now(); t.plan.dialer != nil && backingOff {
			t.dialed.reconnected(ctx)
			retry.Sleep(ctx, pause-time.Since(began))
			return
		}
		retry.Sleep(ctx, pause)
		for ctx.Err() == nil {
			moved, changed := t.leaderMoved(from, backingOff)
			if moved {
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
		watching.Wait()
	}
}
