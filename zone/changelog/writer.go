package changelog

import (
	"context"
	"log/slog"
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
	return c.logAddressConflicts(now) || wrote
}

// logChange writes the line on a change of nodes, in a zone of so many. Changes
// of the zone as a whole are logged elsewhere.
func (c *Writer) logChange(change Change, total int) bool {
	burst := []any{"count", change.Count, "names", nodeTexts(change.Nodes), "nodes", total}
	switch change.Kind {
	case Local:
		this := change.Nodes[0]
		c.Logger.Info("new local address", "node", this.ID, "addresses", this.Addresses, "nodes", total)
	case Joined:
		c.Logger.Info("new nodes", burst...)
	case Moved:
		c.Logger.Info("nodes have a new address", burst...)
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

func nodeTexts(nodes []Node) (texts []string) {
	for _, n := range nodes {
		text := string(n.ID)
		separator := " "
		for _, addr := range n.Addresses {
			text += separator + addr.String()
			separator = ","
		}
		texts = append(texts, text)
	}
	return texts
}

// logAddressConflicts reports addresses that nodes have begun to share.
func (c *Writer) logAddressConflicts(now *zone.Snapshot) bool {
	count, texts := 0, []string(nil)
	for conflict := range now.NewAddressConflicts(c.last) {
		if count++; count <= MaxNames {
			texts = append(texts, conflict.String())
		}
	}
	if count == 0 {
		return false
	}
	c.Logger.Warn("nodes claim the same address", "count", count, "contests", texts)
	return true
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
