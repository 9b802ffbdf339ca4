package control

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone"
)

const (
	// maxMonitors is how many monitors may run concurrently: half of the
	// allowed watchers of queries.
	maxMonitors = resolver.MaxQueryWatchers / 2
	// debounce is the pause after the pending events were sent. With the size
	// of a watcher's buffer it bounds the cost of sending, however many queries
	// there are.
	debounce = 100 * time.Millisecond
	// idleTimeout is how long a reader may take nothing, as a pager whose user
	// reads. Meanwhile events are dropped, and nothing else waits.
	idleTimeout = 5 * time.Minute
)

// serveMonitor streams events, a line for each, until the client disconnects.
func (d *Daemon) serveMonitor(w http.ResponseWriter, r *http.Request, places chan struct{}) {
	if err := mayMonitor(r.Context()); err != nil {
		reply(w, http.StatusForbidden, failure{err.Error()})
		return
	}
	wanted, err := parseWatch(r.URL.Query())
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	default:
		reply(w, http.StatusServiceUnavailable, failure{"too many monitor the daemon already; end one of them"})
		return
	}
	group, ctx := errgroup.WithContext(r.Context())
	lines := newLines(w)
	if wanted.queries {
		queries, err := d.Queries()
		if err != nil {
			reply(w, http.StatusServiceUnavailable, failure{err.Error()})
			return
		}
		defer queries.Close()
		group.Go(func() error { return sendQueries(ctx, queries, &wanted, lines) })
	}
	if wanted.zone {
		group.Go(func() error { return d.sendZoneChanges(ctx, &wanted, lines) })
	}
	_ = lines.send() // the client sees that it is watching
	_ = group.Wait() // why it ended is the client's to know
}

// sendQueries sends the queries that were selected, until ctx ends or the
// client is gone.
func sendQueries(ctx context.Context, queries *resolver.QueryWatcher, wanted *watched, lines *lines) error {
	for {
		events, missed, err := queries.Next(ctx)
		if err != nil {
			return err
		}
		var selected []Event
		for i := range events {
			if wanted.chosen(&events[i]) {
				query := inspect.TextOf(&events[i])
				selected = append(selected, Event{Time: query.Time, Query: &query})
			}
		}
		if missed > 0 {
			selected = append(selected, Event{Time: time.Now(), Dropped: missed})
		}
		if err := lines.send(selected...); err != nil {
			return err
		}
		retry.Sleep(ctx, debounce)
	}
}

// sendZoneChanges sends how each snapshot differs from the last one that was
// sent, like sendQueries.
func (d *Daemon) sendZoneChanges(ctx context.Context, wanted *watched, lines *lines) error {
	var last *zone.Snapshot
	for snapshot := range d.Zone(ctx) {
		if last != nil {
			if err := lines.send(wanted.changes(last, snapshot)...); err != nil {
				return err
			}
			retry.Sleep(ctx, debounce)
		}
		last = snapshot
	}
	return context.Cause(ctx)
}

// lines are a reply that does not end, of one JSON object on each line. It may
// be written to by several goroutines.
type lines struct {
	mu        sync.Mutex
	out       *bufio.Writer
	encoder   *json.Encoder
	deadlines *http.ResponseController
}

func newLines(w http.ResponseWriter) *lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := bufio.NewWriterSize(w, 32<<10)
	return &lines{out: out, encoder: json.NewEncoder(out), deadlines: http.NewResponseController(w)}
}

// send writes events, and what came before. The error is that the client has
// gone, or takes nothing.
func (l *lines) send(events ...Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.deadlines.SetWriteDeadline(time.Now().Add(idleTimeout)); err != nil {
		return err
	}
	for _, e := range events {
		if err := l.encoder.Encode(e); err != nil {
			return err
		}
	}
	if err := l.out.Flush(); err != nil {
		return err
	}
	return l.deadlines.Flush()
}
