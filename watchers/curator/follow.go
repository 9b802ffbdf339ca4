package curator

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// follow opens one stream and follows it to its end. It reports whether the
// stream delivered anything, and why it ended.
func (w *Watcher) follow(ctx context.Context, c candidate, delays *retry.Backoff, log *failureLog) (delivered bool, _ error) {
	w.connecting(c)
	var began time.Time
	synced := false
	var listing zone.ID // a sender that has listed itself as consensus member
	run := func() error {
		s := stream{
			sink: w.sink,
			authorize: func(peer *x509.Certificate) (*roster, error) {
				return w.authorize(c, peer, listing)
			},
			began: func(peer *x509.Certificate) {
				delivered, began = true, time.Now()
				w.connected(peer, began)
				log.connected(w.log, c.name(), w.Status().Remarks)
			},
			event: func(event *curatorpb.WatchEvent) {
				w.update(func(s *Status) { s.Events++ })
				w.noteOwn(event)
			},
			synced: func(remark string, complete bool) {
				synced = true
				w.settled(remark, complete)
				w.setSynced(true)
				w.log.Debug("the backlog is in", "endpoint", c.name(), "took", time.Since(began), "remark", remark)
			},
		}
		err := s.run(ctx, c.source)
		if err == errAgain {
			listing = s.roster.sender
		}
		return err
	}
	err := run()
	if err == errAgain {
		err = run()
	}
	w.setSynced(false)
	w.disconnected()
	if synced {
		resetAfter(delays, time.Since(began))
	}
	if ctx.Err() != nil {
		return delivered, ctx.Err() // ended from this side, which is no failure
	}
	failure := &streamError{c.name(), err}
	w.update(func(s *Status) { s.Failures++ })
	log.failed(w.log, failure, delivered)
	return delivered, failure
}

// authorize decides whether the sender of a stream may speak for the cluster. At
// an endpoint that was decided with the handshake; for a dialer's connection it
// is decided here.
func (w *Watcher) authorize(c candidate, peer *x509.Certificate, listing zone.ID) (*roster, error) {
	if peer == nil {
		return &roster{proven: true}, nil // the embedder, or the operator, vouches
	}
	id := nodetls.PeerID(peer, w.cfg.Prefix)
	if c.name() == "" {
		cluster := w.clusterOf(peer)
		w.authority.setCluster(cluster)
		if err := w.authority.admit(c.endpoint, true, id); err != nil {
			return nil, err
		}
		if cluster != "" {
			w.sink.SetCluster(cluster)
		}
	}
	proven := id == listing || w.authority.isMember(id)
	return &roster{authority: w.authority, prefix: w.cfg.Prefix, endpoint: c.name(), sender: id, proven: proven}, nil
}

// clusterOf names the cluster that a dialer led to. Where the credentials' files
// are of the same one it has the name that they give it, or a change from them to
// the dialer would be taken for one of the cluster.
func (w *Watcher) clusterOf(peer *x509.Certificate) string {
	w.mu.Lock()
	own := w.levels.credentials
	w.mu.Unlock()
	if own != nil && peer != nil &&
		own.CA.CheckSignature(peer.SignatureAlgorithm, peer.RawTBSCertificate, peer.Signature) == nil {
		return own.ClusterID()
	}
	return issuer(peer)
}

// issuer distinguishes clusters where the CA itself is known to the embedder's
// dialer only: by the CA's key, as the curator's certificate names it (RFC 5280,
// section 4.2.1.1). It is empty where that does not name it, and in plain text.
func issuer(peer *x509.Certificate) string {
	if peer == nil || len(peer.AuthorityKeyId) == 0 {
		return ""
	}
	return "authority-key:" + hex.EncodeToString(peer.AuthorityKeyId)
}

// connecting makes a candidate the current curator.
func (w *Watcher) connecting(c candidate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current, w.presence.listed = currentCurator{endpoint: c.endpoint}, false
	w.transit(&w.status, StateConnecting, "")
	w.status.Endpoint = c.name()
	w.status.Attempts++
}

func (w *Watcher) connected(peer *x509.Certificate, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = peer
	if peer != nil {
		w.current.id = nodetls.PeerID(peer, w.cfg.Prefix)
		w.authority.watching(w.current.id)
	}
	w.transit(&w.status, StateSyncing, "")
	w.status.ConnectedSince = new(at.UTC().Truncate(time.Millisecond))
	w.status.Connects++
}

// disconnected leaves the current curator in place: between two equal claims to
// lead, the one that was followed last wins.
func (w *Watcher) disconnected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = nil
	w.authority.watching("")
	w.status.ConnectedSince = nil
}

// currentCurator is the one that is followed or tried, or was last.
func (w *Watcher) currentCurator() currentCurator {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}
