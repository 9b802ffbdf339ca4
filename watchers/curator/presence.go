package curator

import (
	"cmp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// presence is whether the cluster has this node, as far as a stream shows. It is
// under the Watcher's lock.
type presence struct {
	listed  bool   // the present stream has named this node
	removed string // why the cluster does not have it any more, or empty
}

// noteOwn takes what an event has about this node. Its status is kept because a
// report replaces all of it, and has to repeat what is not ours to change.
func (w *Watcher) noteOwn(event *curatorpb.WatchEvent) {
	for _, node := range event.GetNodes() {
		if w.isOwn(node.GetId()) {
			w.mu.Lock()
			w.reports.own = node.GetStatus()
			w.presence.listed = true
			w.mu.Unlock()
			w.setRemoved("")
		}
	}
	for _, tombstone := range event.GetNodeTombstones() {
		if w.isOwn(tombstone.GetNodeId()) {
			w.setRemoved("the cluster deleted it")
		}
	}
}

// isOwn reports whether an ID is that of this node. A free name is in no cluster.
func (w *Watcher) isOwn(id string) bool {
	return w.cfg.LocalID != "" && strings.EqualFold(id, string(w.cfg.LocalID))
}

// settled enters the state that follows a backlog. Only a complete one shows by
// absence that this node was removed.
func (w *Watcher) settled(remark string, complete bool) {
	w.mu.Lock()
	removed := w.presence.removed
	if complete && w.cfg.LocalID != "" && !w.presence.listed {
		removed = cmp.Or(removed, "the cluster's nodes are all known, and it is not among them")
	}
	w.mu.Unlock()
	w.reject("", nil)
	w.enter(StateConnected, remark)
	w.setRemoved(removed)
}

// forgetPresence starts over with another way to a cluster, which may be another
// one, or none: a node that left for good and follows no cluster lacks nothing.
func (w *Watcher) forgetPresence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.presence = presence{}
}

// noteReport records the outcome of a report of our address.
func (w *Watcher) noteReport(err error) {
	if status.Code(err) == codes.NotFound {
		w.setRemoved("the cluster answers NotFound to its report")
	}
}

// setRemoved enters or leaves the state of a node that the cluster does not have
// any more; an empty reason means that it has. Names stay in both.
func (w *Watcher) setRemoved(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.presence.removed
	w.presence.removed = reason
	switch {
	case reason != "" && before == "":
		w.log.Error("this node was removed from the cluster, names stay", "node", w.cfg.LocalID, "reason", reason)
	case reason == "" && before != "":
		w.log.Info("this node is in the cluster again", "node", w.cfg.LocalID)
	}
	switch {
	case reason != "" && (w.status.State == StateConnected || w.status.State == StateRemoved):
		w.transit(&w.status, StateRemoved, reason+": enrol this node again, or take it out of service")
	case reason == "" && w.status.State == StateRemoved:
		w.transit(&w.status, StateConnected, "")
	}
}
