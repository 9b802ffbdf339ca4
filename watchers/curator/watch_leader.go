package curator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

const (
	// maxRewatchDelay is the longest time between two attempts to watch a curator.
	// A new leader is to be known within five seconds, even if the only
	// curators that know it were out of reach before.
	maxRewatchDelay = 4 * time.Second
	// unsupportedDelay is the time between two attempts to watch a curator that
	// does not report the leader.
	unsupportedDelay = 30 * time.Second
	// leaderReportInterval is the least time between two reports of a curator.
	leaderReportInterval = 20 * time.Millisecond
	// maxLeaderReport is the largest report of the leader, in bytes.
	maxLeaderReport = 64 << 10
)

// keepWatching watches one curator until ctx ends.
func (t *leaderTracker) keepWatching(ctx context.Context, endpoint Endpoint) {
	defer t.conns.keep(endpoint)()
	delays := retry.Backoff{First: minDelay, Max: maxRewatchDelay}
	for ctx.Err() == nil {
		began := time.Now()
		err := t.watchLeader(ctx, endpoint)
		if ctx.Err() != nil {
			return
		}
		resetAfter(&delays, time.Since(began))
		delay := delays.Next()
		if status.Code(err) == codes.Unimplemented {
			err, delay = errors.New("it is an older one, which does not report the leader"), unsupportedDelay
		}
		t.update(ctx, leaderReport{endpoint: endpoint, failure: wordFailure(err)})
		retry.Sleep(ctx, delay)
	}
}

// watchLeader opens one stream of the leader's changes and follows it to its end.
func (t *leaderTracker) watchLeader(ctx context.Context, endpoint Endpoint) error {
	conn, err := t.conns.open(endpoint)
	if err != nil {
		return err
	}
	defer t.conns.release(conn)
	opened := false
	reports, err := curatorpb.NewCuratorLocalClient(conn).GetCurrentLeader(ctx,
		&curatorpb.GetCurrentLeaderRequest{}, grpc.MaxCallRecvMsgSize(maxLeaderReport))
	for err == nil {
		var m *curatorpb.GetCurrentLeaderResponse
		if m, err = reports.Recv(); err == nil {
			opened = true
			t.update(ctx, parseReport(endpoint, m, peerCertificate(reports.Context()), t.w.cfg.Prefix, t.w.cfg.Insecure))
			retry.Sleep(ctx, leaderReportInterval)
		}
	}
	if opened {
		return err
	}
	return conn.attempt.or(err)
}

// LeaderReport is what one curator reports of the leader.
type LeaderReport struct {
	// Endpoint where the curator was watched.
	Endpoint string `json:"endpoint"`
	// ID of the curator's own node, where that is known.
	ID zone.ID `json:"node_id,omitempty"`
	// Leader that it names, or empty.
	Leader zone.ID `json:"leader,omitempty"`
	// Error is why it does not report now, or empty.
	Error string `json:"error,omitempty"`
}

// leaderReports lists the newest ones, for the status.
func (t *leaderTracker) leaderReports() []LeaderReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]LeaderReport, 0, len(t.reports))
	for _, r := range t.reports {
		all = append(all, LeaderReport{r.endpoint.Address(), r.self, r.leader, r.failure})
	}
	slices.SortFunc(all, func(a, b LeaderReport) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return all
}
