package curator

import (
	"context"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"google.golang.org/grpc"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

const (
	// firstReportInterval is the least time between two reports of our address over
	// one connection, and reportInterval what it grows to while the address keeps
	// changing. maxReportDelay is the longest time after a report that failed.
	firstReportInterval = time.Second
	reportInterval      = 10 * time.Second
	maxReportDelay      = 5 * time.Minute
	// reportTimeout bounds one report.
	reportTimeout = 5 * time.Second
)

// Report is the state of reporting this node's address. It is zero while nothing
// is to be reported.
type Report struct {
	// Address that was reported last, and when. Zero before.
	Address netip.Addr `json:"address,omitzero"`
	At      time.Time  `json:"at,omitzero"`
	// Error of the last attempt, if it failed.
	Error string `json:"error,omitempty"`
}

// reporting is what the reports depend on, newest values only, under the
// Watcher's lock.
type reporting struct {
	address netip.Addr // to be reported; invalid: none
	synced  bool       // all that the cluster has about us has been received
	own     *curatorpb.NodeStatus
	last    Report
	delay   time.Duration // after the last attempt
	due     time.Time     // the next attempt may follow
	changed chan struct{} // closed when address or synced change
}

// SetReport sets the address to report to the cluster for this node; an
// invalid one means that nothing is reported. It may be called at any time from
// any goroutine.
func (w *Watcher) SetReport(addr netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reports.address != addr {
		w.reports.address = addr
		if w.cfg.LocalID == "" {
			w.reports.last.Error = "this node's name was chosen freely: no cluster knows it"
		}
		w.reports.wake()
	}
}

func (r *reporting) wake() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// setSynced sets whether the backlog is complete. A report that earlier failures
// delayed is then due at once: another curator, or cluster, may accept it.
func (w *Watcher) setSynced(synced bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &w.reports
	if r.synced == synced {
		return
	}
	if synced && r.last.Error != "" {
		r.due = time.Time{}
	}
	r.synced = synced
	r.wake()
}

// toReport returns the address that is to be reported now, if there is any, how
// long to wait before, and what is closed when this has changed.
func (w *Watcher) toReport() (netip.Addr, time.Duration, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &w.reports
	if !r.synced || w.cfg.LocalID == "" {
		return netip.Addr{}, 0, r.changed
	}
	return r.address, time.Until(r.due), r.changed
}

// report sends the cluster our address, once for each connection and whenever it
// changes, until ctx ends.
func (w *Watcher) report(ctx context.Context, conn grpc.ClientConnInterface) {
	client := curatorpb.NewCuratorClient(conn)
	var reported netip.Addr
	for ctx.Err() == nil {
		addr, wait, changed := w.toReport()
		var due <-chan time.Time
		switch {
		case !addr.IsValid() || addr == reported:
		case wait > 0:
			due = time.After(wait)
		default:
			err := w.reportOnce(ctx, client, addr)
			if err == nil {
				reported = addr
			}
			continue
		}
		select {
		case <-changed:
		case <-due:
		case <-ctx.Done():
		}
	}
}

func (w *Watcher) reportOnce(ctx context.Context, client curatorpb.CuratorClient, addr netip.Addr) error {
	limited, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	_, err := client.UpdateNodeStatus(limited, &curatorpb.UpdateNodeStatusRequest{
		NodeId: string(w.cfg.LocalID), Status: w.ownStatus(addr),
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.reported(addr, err)
	w.noteReport(err)
	return err
}

// ownStatus is what the cluster has about us, with our address.
func (w *Watcher) ownStatus(addr netip.Addr) *curatorpb.NodeStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	status := &curatorpb.NodeStatus{}
	if w.reports.own != nil {
		status = protobuf.CloneOf(w.reports.own)
	}
	now := time.Now()
	status.ExternalAddress = addr.String()
	status.Timestamp = &curatorpb.NodeStatus_Timestamp{Seconds: now.Unix(), Nanos: int32(now.Nanosecond())}
	status.BootId = nil
	if boot, err := hex.DecodeString(strings.ReplaceAll(w.cfg.BootID, "-", "")); err == nil {
		status.BootId = boot
	}
	return status
}

func (w *Watcher) reported(addr netip.Addr, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &w.reports
	before := r.last.Error
	if err == nil {
		if before != "" || time.Since(r.due) > reportInterval {
			r.delay = 0 // the address does not keep changing
		}
		r.delay = min(max(2*r.delay, firstReportInterval), reportInterval)
		r.last = Report{Address: addr, At: time.Now().UTC().Truncate(time.Millisecond)}
		w.status.Reports++
		w.log.Debug("address reported to the cluster", "address", addr)
	} else {
		r.last.Error = wordFailure(err)
		r.delay = min(max(2*r.delay, reportInterval), maxReportDelay)
		w.status.ReportFailures++
		if before != r.last.Error {
			w.log.Warn("the cluster does not take this node's address", "address", addr, "error", r.last.Error)
		}
	}
	r.due = time.Now().Add(r.delay)
}
