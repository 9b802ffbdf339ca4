package nodedns

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/zone"
)

const (
	// maxNames is how many nodes a log line names, however many changed.
	maxNames = 10
	// logInterval is how long changes are gathered into one line after one has
	// been written.
	logInterval = time.Second
)

// changelog writes what changed in the zone to the log: the changes, never the
// whole. It reads snapshots like everybody else, so a burst is one line.
type changelog struct {
	log  *slog.Logger
	last *zone.Snapshot
}

func (c *changelog) run(ctx context.Context, store *zone.Store) error {
	for snapshot := range store.Watch(ctx) {
		c.write(snapshot)
		c.last = snapshot
		sleep(ctx, logInterval)
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

func (c *changelog) write(now *zone.Snapshot) {
	c.logCluster(c.last.Cluster(), now.Cluster(), false)
	var joined, moved, left, returned, dropped burst
	for change := range now.Changes(c.last) {
		was, is := change.Before, change.After
		switch {
		case is.IsLocal():
			if !slices.Equal(addresses(was), addresses(is)) {
				c.log.Info("new local address", "node", is.ID(), "addresses", addresses(is), "nodes", now.Counts().Live)
			}
		case !is.Exists() && c.last.Cluster().ID == now.Cluster().ID: // else the zone has told
			dropped.add(was)
		case !is.Exists():
		case !was.Exists():
			joined.add(is)
		case is.Departed() && !was.Departed():
			left.add(is)
		case was.Departed() && !is.Departed():
			returned.add(is)
		case !slices.Equal(addresses(was), addresses(is)):
			moved.add(is)
		}
	}
	total := now.Counts().Live
	joined.write(c.log, "new nodes", total)
	moved.write(c.log, "nodes have a new address", total)
	left.write(c.log, "nodes departed, still answered", total)
	returned.write(c.log, "departed nodes are back", total)
	dropped.write(c.log, "nodes dropped", total)
}

// logCluster tells whether there is a cluster. That it is reached or lost is
// logged by the source, which knows how.
func (c *changelog) logCluster(was, is zone.Cluster, first bool) {
	switch {
	case first && !is.Expected, was.Expected && !is.Expected:
		c.log.Info("running without a cluster")
	case first, !was.Expected && is.Expected:
		c.log.Info("running with a cluster")
	}
}

// burst is a number of nodes to which the same happened.
type burst struct {
	count int
	names []string
}

func (b *burst) add(n zone.Node) {
	b.count++
	if len(b.names) < maxNames {
		b.names = append(b.names, strings.TrimSpace(fmt.Sprint(n.ID(), " ", strings.Join(addresses(n), ","))))
	}
}

func (b *burst) write(log *slog.Logger, what string, total int) {
	if b.count > 0 {
		log.Info(what, "count", b.count, "names", b.names, "nodes", total)
	}
}

func addresses(n zone.Node) []string {
	texts := []string{}
	for addr := range n.Addrs() {
		texts = append(texts, addr.String())
	}
	return texts
}
