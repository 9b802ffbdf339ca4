package curator

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// follow opens one stream and follows it to its end. It reports whether the
// stream delivered anything, and why it ended.
func (w *Watcher) follow(ctx context.Context, by way, delays *backoff, j *journal) (delivered bool, _ error) {
	w.depart(by)
	var began time.Time
	synced := false
	var listing zone.ID // a sender that has listed itself as consensus member
	run := func() error {
		s := stream{
			sink: w.sink,
			judge: func(peer *x509.Certificate) (*roster, error) {
				return w.judge(by, peer, listing)
			},
			began: func(peer *x509.Certificate) {
				delivered, began = true, time.Now()
				w.connected(peer, began)
				j.connected(w.log, by.name(), w.Status().Remarks)
			},
			event: func(event *curatorpb.WatchEvent) {
				w.update(func(s *Status) { s.Events++ })
				w.noteOwn(event)
			},
			synced: func(remark string, complete bool) {
				synced = true
				w.settled(remark, complete)
				w.setSynced(true)
				w.log.Debug("the backlog is in", "endpoint", by.name(), "took", time.Since(began), "remark", remark)
			},
		}
		err := s.run(ctx, by.source)
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
		delays.succeeded(time.Since(began))
	}
	if ctx.Err() != nil {
		return delivered, ctx.Err() // ended from this side, which is no failure
	}
	failure := &streamError{by.name(), err}
	w.update(func(s *Status) { s.Failures++ })
	j.failed(w.log, failure, delivered)
	return delivered, failure
}

// judge decides whether the sender of a stream may speak for the cluster. At an
// endpoint that was decided with the handshake; a dialer's connection is judged
// here.
func (w *Watcher) judge(by way, peer *x509.Certificate, listing zone.ID) (*roster, error) {
	if peer == nil {
		return &roster{proven: true}, nil // the embedder, or the operator, vouches
	}
	id := nodetls.PeerID(peer, w.cfg.Prefix)
	if by.name() == "" {
		cluster := w.clusterOf(peer)
		w.authority.setCluster(cluster)
		if err := w.authority.admit(by.endpoint, true, id); err != nil {
			return nil, err
		}
		if cluster != "" {
			w.sink.SetCluster(cluster)
		}
	}
	proven := id == listing || w.authority.isMember(id)
	return &roster{authority: w.authority, prefix: w.cfg.Prefix, endpoint: by.name(), sender: id, proven: proven}, nil
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

// issuer tells clusters apart where the CA itself is known to the embedder's
// dialer only: by the CA's key, as the curator's certificate names it (RFC 5280,
// section 4.2.1.1). It is empty where that does not say, and in plain text.
func issuer(peer *x509.Certificate) string {
	if peer == nil || len(peer.AuthorityKeyId) == 0 {
		return ""
	}
	return "authority-key:" + hex.EncodeToString(peer.AuthorityKeyId)
}

// depart sets out for a curator.
func (w *Watcher) depart(by way) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on, w.presence.listed = station{endpoint: by.endpoint}, false
	w.transit(&w.status, StateConnecting, "")
	w.status.Endpoint = by.name()
	w.status.Attempts++
}

func (w *Watcher) connected(peer *x509.Certificate, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = peer
	if peer != nil {
		w.on.id = nodetls.PeerID(peer, w.cfg.Prefix)
		w.authority.watching(w.on.id)
	}
	w.transit(&w.status, StateSyncing, "")
	w.status.ConnectedSince = at
	w.status.Connects++
}

// disconnected leaves the station known: between two equal claims to lead, the
// curator that was followed last is the present one.
func (w *Watcher) disconnected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peer = nil
	w.authority.watching("")
	w.status.ConnectedSince = time.Time{}
}

// station is where the watcher is, or tries to be.
func (w *Watcher) station() station {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.on
}
