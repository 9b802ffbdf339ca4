package nodedns

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/zone"
)

const (
	// logInterval is how long changes are gathered into one line after one has
	// been written. While there are changes all the time it doubles, up to
	// maxLogInterval: nodes that flap for days must not fill the log.
	logInterval    = time.Second
	maxLogInterval = 32 * time.Second
)

// changelog writes what changed in the zone to the log: the changes, never the
// whole. It reads snapshots like everybody else, so a burst is one line.
type changelog struct {
	log  *slog.Logger
	last *zone.Snapshot
}

func (c *changelog) run(ctx context.Context, store *zone.Store) error {
	interval, rested := logInterval, time.Now()
	for snapshot := range store.Watch(ctx) {
		if time.Since(rested) > interval {
			interval = logInterval
		}
		if c.write(snapshot) {
			retry.Sleep(ctx, interval)
			interval = min(2*interval, maxLogInterval)
			rested = time.Now()
		}
		c.last = snapshot
	}
	return nil
}

// start logs what there is before any source has spoken.
func (c *changelog) start(now *zone.Snapshot) {
	c.last = now
	c.log.Info("zone loaded", "node", now.Local().ID(), "addresses", addresses(now.Local()),
		"nodes", now.Counts().Live, "departed", now.Counts().Departed)
	c.logCluster(zone.Cluster{}, now.Cluster(), true)
}

// write reports whether there was anything to log.
func (c *changelog) write(now *zone.Snapshot) (wrote bool) {
	wrote = c.logCluster(c.last.Cluster(), now.Cluster(), false)
	wrote = logConflict(c.log, c.last, now) || wrote
	total := now.Counts().Live
	for _, change := range Changes(c.last, now, nil) {
		// After a change of the cluster the zone has told what it dropped.
		if change.Kind != ChangeDropped || c.last.Cluster().ID == now.Cluster().ID {
			wrote = c.logChange(change, total) || wrote
		}
	}
	return c.logContests(now) || wrote
}

// logChange writes the line on a change of nodes, in a zone of so many. What
// changed of the zone as a whole others tell of.
func (c *changelog) logChange(change Change, total int) bool {
	burst := []any{"count", change.Count, "names", nodeTexts(change.Nodes), "nodes", total}
	switch change.Kind {
	case ChangeLocal:
		this := change.Nodes[0]
		c.log.Info("new local address", "node", this.ID, "addresses", this.Addresses, "nodes", total)
	case ChangeJoined:
		c.log.Info("new nodes", burst...)
	case ChangeMoved:
		c.log.Info("nodes have a new address", burst...)
	case ChangeDeparted:
		c.log.Info("nodes departed, still answered", burst...)
	case ChangeReturned:
		c.log.Info("departed nodes are back", burst...)
	case ChangeDropped:
		c.log.Info("nodes dropped", burst...)
	default:
		return false
	}
	return true
}

func nodeTexts(nodes []ChangedNode) (texts []string) {
	for _, n := range nodes {
		texts = append(texts, strings.TrimSpace(fmt.Sprint(n.ID, " ", strings.Join(n.Addresses, ","))))
	}
	return texts
}

// logContests reports addresses that nodes have begun to share.
func (c *changelog) logContests(now *zone.Snapshot) bool {
	count, texts := 0, []string(nil)
	for conflict := range now.NewAddressConflicts(c.last) {
		if count++; count <= maxNames {
			texts = append(texts, addressConflictText(conflict))
		}
	}
	if count == 0 {
		return false
	}
	c.log.Warn("nodes claim the same address", "count", count, "contests", texts)
	return true
}

// addressConflictText names who claims an address.
func addressConflictText(c zone.AddressConflict) string {
	text := fmt.Sprintf("%s: %s and %s", c.Addr, c.Nodes[0], c.Nodes[1])
	if more := c.Count - len(c.Nodes); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// logCluster tells whether there is a cluster. That it is reached or lost is
// logged by the source, which knows how.
func (c *changelog) logCluster(was, is zone.Cluster, first bool) bool {
	switch {
	case first && !is.Expected, was.Expected && !is.Expected:
		c.log.Info("running without a cluster")
	case first, !was.Expected && is.Expected:
		c.log.Info("running with a cluster")
	default:
		return false
	}
	return true
}
