package curator

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

const bootUUID = "98163c45-6f50-465b-81be-801536fa29f8"

// Our address is reported after the backlog, again after each reconnect, and when
// it changes; what is not ours to report is kept.
func TestReport(t *testing.T) {
	t.Parallel()
	s, cfg := enrolled(t)
	self := string(cfg.LocalID)
	s.Directory.Set(memory.Node{ID: self, CuratorPort: 7900})
	address, _ := serve(t, s)
	cfg.Endpoints, cfg.BootID = endpointsAt(address), bootUUID
	w, r, _ := watch(t, cfg)
	awaitState(t, w, StateConnected)
	if w.Status().Report != (Report{}) || nodeOf(t, s, self).Address != "" {
		t.Errorf("reported unasked: %+v", w.Status().Report)
	}

	w.SetReport(netip.MustParseAddr("192.0.2.7"))
	r.await(t, "the first report", func() bool { return r.address(self) == "192.0.2.7" })
	node := nodeOf(t, s, self)
	if node.CuratorPort != 7900 || len(node.BootID) != 16 || node.Reported == 0 {
		t.Errorf("reported %+v", node)
	}
	report := awaitStatus(t, w, "the report", func(s Status) bool { return s.Reports == 1 }).Report
	if report.Address.String() != "192.0.2.7" || report.At.IsZero() || report.Error != "" {
		t.Errorf("report %+v", report)
	}

	// The next ones are not due yet: of all changes the last one is reported.
	if _, wait, _ := w.toReport(); wait <= 0 || wait > reportInterval {
		t.Errorf("the next report is due in %v", wait)
	}
	w.SetReport(netip.MustParseAddr("192.0.2.8"))
	w.SetReport(netip.MustParseAddr("192.0.2.9"))
	w.hurry()
	r.await(t, "the second report", func() bool { return r.address(self) == "192.0.2.9" })

	awaitStatus(t, w, "the second report", func(s Status) bool { return s.Reports == 2 })
	w.hurry()
	s.Directory.Set(memory.Node{ID: self, Address: "192.0.2.66"})
	s.Drop()
	r.await(t, "the report after a reconnect", func() bool { return r.address(self) == "192.0.2.9" && r.count("begin") == 2 })
}

// nodeOf is what a curator knows of a node.
func nodeOf(t *testing.T, s *memory.Server, id string) memory.Node {
	t.Helper()
	for _, node := range s.Directory.Nodes() {
		if node.ID == id {
			return node
		}
	}
	t.Fatalf("the curator has no %s", id)
	return memory.Node{}
}

// hurry makes the next report due.
func (w *Watcher) hurry() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports.due = w.reports.last.At
	w.reports.wake()
}

func TestReportIsRefused(t *testing.T) {
	t.Parallel()
	s, cfg := enrolled(t)
	s.Directory.Remove(string(cfg.LocalID))
	address, _ := serve(t, s)
	var log logbook
	cfg.Endpoints, cfg.Logger = endpointsAt(address), log.Logger()
	w, _, _ := watch(t, cfg)
	w.SetReport(netip.MustParseAddr("192.0.2.7"))
	awaitStatus(t, w, "the refusal", func(s Status) bool { return strings.Contains(s.Report.Error, "NotFound") })
	w.hurry()
	status := awaitStatus(t, w, "another one", func(s Status) bool { return s.ReportFailures == 2 })
	if status.State != StateRemoved || strings.Count(log.String(), "does not take") != 1 {
		t.Errorf("status %+v, log\n%s", status, &log)
	}
}

// The address of a name that does not come from a key is not reported.
func TestReportOfAFreeName(t *testing.T) {
	t.Parallel()
	e := newEmbedded(t)
	w, _, _ := watch(t, Config{Dialer: e.dial})
	w.SetReport(netip.MustParseAddr("192.0.2.7"))
	status := awaitState(t, w, StateConnected)
	if status.Report.Error == "" || status.Reports+status.ReportFailures != 0 {
		t.Errorf("status %+v", status)
	}
}

// The pauses after failures grow, and are bounded; so are those of an address that
// keeps changing.
func TestReportDelays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, err := New(Config{}, newRecorder())
		must(t, err)
		delays := func(n int, err error) (last time.Duration) {
			for range n {
				w.reported(netip.Addr{}, err)
			}
			return w.reports.delay
		}
		if d := delays(20, status.Error(codes.Unavailable, "x")); d != maxReportDelay {
			t.Errorf("the delay after failures is %v, want %v", d, maxReportDelay)
		}
		if d := delays(1, nil); d != firstReportInterval {
			t.Errorf("the delay after a first success is %v", d)
		}
		if d := delays(20, nil); d != reportInterval {
			t.Errorf("the delay after many is %v", d)
		}
		time.Sleep(2*reportInterval + 1)
		if d := delays(1, nil); d != firstReportInterval {
			t.Errorf("the delay after a quiet time is %v", d)
		}
	})
}

// A curator that refused us for hours is no reason to keep the next one waiting.
func TestReportAfterAReconnect(t *testing.T) {
	t.Parallel()
	w, err := New(Config{LocalID: zone.ID(nodeID(1))}, newRecorder())
	must(t, err)
	for range 20 {
		w.reported(netip.Addr{}, status.Error(codes.Unavailable, "x"))
	}
	w.setSynced(true)
	if _, wait, _ := w.toReport(); wait > 0 {
		t.Errorf("the first report is due in %v, want at once", wait)
	}
}
