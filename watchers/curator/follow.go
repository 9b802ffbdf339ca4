package curator

import (
	"context"
	"crypto/x509"
	"time"
)

// follow opens one stream and follows it to its end. It reports whether the
// stream delivered anything, and why it ended.
func (w *Watcher) follow(ctx context.Context, by way, delays *backoff, j *journal) (delivered bool, _ error) {
	w.update(func(s *Status) {
		s.State, s.Detail, s.Endpoint = StateConnecting, "", by.endpoint
		s.Attempts++
	})
	var began time.Time
	synced := false
	s := stream{
		sink: w.sink,
		began: func(peer *x509.Certificate) {
			delivered, began = true, time.Now()
			w.connected(peer, began)
			j.connected(w.log, by.endpoint, w.Status().Remarks)
		},
		event: func() { w.update(func(s *Status) { s.Events++ }) },
		synced: func(remark string) {
			synced = true
			w.enter(StateConnected, remark)
			w.log.Debug("the backlog is in", "endpoint", by.endpoint, "took", time.Since(began), "remark", remark)
		},
	}
	err := s.run(ctx, by.source)
	w.disconnected()
	if synced {
		delays.succeeded(time.Since(began))
	}
	if ctx.Err() != nil {
		return delivered, ctx.Err() // ended from this side, which is no failure
	}
	failure := &streamError{by.endpoint, err}
	w.update(func(s *Status) { s.Failures++ })
	j.failed(w.log, failure, delivered)
	return delivered, failure
}

func (w *Watcher) connected(peer *x509.Certificate, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = peer
	w.status.State, w.status.ConnectedSince = StateSyncing, at
	w.status.Connects++
}

func (w *Watcher) disconnected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = nil
	w.status.ConnectedSince = time.Time{}
}
