package changelog

import (
	"context"
	"fmt"
	"iter"
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

// Writer writes what changed in the zone to the log: the changes, never the
// whole. It reads snapshots like every other reader, so a burst is one line.
type Writer struct {
	// Logger gets the lines.
	Logger *slog.Logger
	last   *zone.Snapshot
}

// Run logs what changes after Start until ctx ends.
func (c *Writer) Run(ctx context.Context, store *zone.Store) error {
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

// Start logs what there is before any source has reported, and is called before Run.
func (c *Writer) Start(now *zone.Snapshot) {
	c.last = now
	c.Logger.Info("zone loaded", "node", now.Local().ID(), "addresses", addresses(now.Local()),
		"nodes", now.Counts().Live, "departed", now.Counts().Departed)
	c.logCluster(zone.Cluster{}, now.Cluster(), true)
}

// write reports whether there was anything to log.
func (c *Writer) write(now *zone.Snapshot) (wrote bool) {
	wrote = c.logCluster(c.last.Cluster(), now.Cluster(), false)
	wrote = logDuplicateKey(c.Logger, c.last, now) || wrote
	total := now.Counts().Live
	for _, change := range Between(c.last, now, nil) {
		// After a change of the cluster the zone has logged what it dropped.
		if change.Kind != Dropped || c.last.Cluster().ID == now.Cluster().ID {
			wrote = c.logChange(change, total) || wrote
		}
	}
	wrote = c.logAddressConflicts(now) || wrote
	return c.logNameConflicts(now) || wrote
}

// logChange writes the line on a change of nodes, in a zone of so many. Changes
// of the zone as a whole are logged elsewhere.
func (c *Writer) logChange(change Change, total int) bool {
	burst := []any{"count", change.Count, "names", nodeTexts(change), "nodes", total}
	switch change.Kind {
	case Local:
		this := change.Nodes[0]
		c.Logger.Info("new local address", "node", this.ID, "addresses", this.Addresses, "nodes", total)
	case Joined:
		c.Logger.Info("new nodes", burst...)
	case Moved:
		c.Logger.Info("nodes have a new address", burst...)
	case Renamed:
		c.Logger.Info("nodes have other names", burst...)
	case Departed:
		c.Logger.Info("nodes departed, still answered", burst...)
	case Returned:
		c.Logger.Info("departed nodes are back", burst...)
	case Dropped:
		c.Logger.Info("nodes dropped", burst...)
	default:
		return false
	}
	return true
}

// nodeTexts has each node of a change with its addresses or, where its names
// changed, with those.
func nodeTexts(change Change) (texts []string) {
	for _, n := range change.Nodes {
		var details []string
		for _, addr := range n.Addresses {
			details = append(details, addr.String())
		}
		if change.Kind == Renamed {
			if details = n.Names; details == nil {
				details = []string{"-"}
			}
		}
		texts = append(texts, strings.TrimSpace(string(n.ID)+" "+strings.Join(details, ",")))
	}
	return texts
}

// logAddressConflicts reports addresses that nodes have begun to share.
func (c *Writer) logAddressConflicts(now *zone.Snapshot) bool {
	texts, count := firstTexts(now.NewAddressConflicts(c.last))
	if count == 0 {
		return false
	}
	c.Logger.Warn("nodes claim the same address", "count", count, "contests", texts)
	return true
}

// logNameConflicts reports readable names that nodes have begun to share, and that
// one of those has got, or lost, the name.
func (c *Writer) logNameConflicts(now *zone.Snapshot) bool {
	texts, count := firstTexts(now.NewNameConflicts(c.last))
	if count == 0 {
		return false
	}
	c.Logger.Warn("nodes claim the same name", "count", count, "contests", texts)
	return true
}

// firstTexts are the texts of the first conflicts, and the number of all.
func firstTexts[C fmt.Stringer](conflicts iter.Seq[C]) (texts []string, count int) {
	for conflict := range conflicts {
		if count++; count <= MaxNames {
			texts = append(texts, conflict.String())
		}
	}
	return texts, count
}

// logCluster reports whether there is a cluster. That it is reached or lost is
// logged by the source, which knows how.
func (c *Writer) logCluster(was, is zone.Cluster, first bool) bool {
	switch {
	case first && !is.Expected, was.Expected && !is.Expected:
		c.Logger.Info("running without a cluster")
	case first, !was.Expected && is.Expected:
		c.Logger.Info("running with a cluster")
	default:
		return false
	}
	return true
}
