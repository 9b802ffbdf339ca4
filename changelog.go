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
			sleep(ctx, interval)
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
	var joined, moved, left, returned, dropped burst
	for change := range zone.Unhurried(now.Changes(c.last)) {
		was, is := change.Before, change.After
		switch {
		case is.IsLocal():
			if !slices.Equal(addresses(was), addresses(is)) {
				c.log.Info("new local address", "node", is.ID(), "addresses", addresses(is), "nodes", now.Counts().Live)
				wrote = true
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
		case !sameAddrs(was, is):
			moved.add(is)
		}
	}
	total := now.Counts().Live
	if joined.count > 0 {
		c.log.Info("new nodes", joined.attributes(total)...)
	}
	if moved.count > 0 {
		c.log.Info("nodes have a new address", moved.attributes(total)...)
	}
	if left.count > 0 {
		c.log.Info("nodes departed, still answered", left.attributes(total)...)
	}
	if returned.count > 0 {
		c.log.Info("departed nodes are back", returned.attributes(total)...)
	}
	if dropped.count > 0 {
		c.log.Info("nodes dropped", dropped.attributes(total)...)
	}
	wrote = wrote || joined.count+moved.count+left.count+returned.count+dropped.count > 0
	return c.logContests(now) || wrote
}

// logContests reports addresses that nodes have begun to share.
func (c *changelog) logContests(now *zone.Snapshot) bool {
	var shared burst
	for contest := range now.NewContests(c.last) {
		shared.addText(contestText(contest))
	}
	if shared.count == 0 {
		return false
	}
	c.log.Warn("nodes claim the same address", "count", shared.count, "contests", shared.names)
	return true
}

// contestText names who claims an address.
func contestText(c zone.Contest) string {
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

// burst is a number of nodes to which the same happened.
type burst struct {
	count int
	names []string
}

func (b *burst) add(n zone.Node) {
	if b.count >= maxNames {
		b.count++ // without the cost of a text that nobody reads
		return
	}
	b.addText(strings.TrimSpace(fmt.Sprint(n.ID(), " ", strings.Join(addresses(n), ","))))
}

func (b *burst) addText(text string) {
	b.count++
	if len(b.names) < maxNames {
		b.names = append(b.names, text)
	}
}

// attributes of the line about it, in a zone of so many nodes.
func (b *burst) attributes(nodes int) []any {
	return []any{"count", b.count, "names", b.names, "nodes", nodes}
}

// sameAddrs compares the addresses of nodes that are not this machine, without
// allocating: it is asked of each of ten thousand changes.
func sameAddrs(was, is zone.Node) bool {
	for _, four := range []bool{true, false} {
		before, had := was.Sole(four)
		now, has := is.Sole(four)
		if had != has || before != now {
			return false
		}
	}
	return true
}

func addresses(n zone.Node) []string {
	texts := []string{}
	for addr := range n.Addrs() {
		texts = append(texts, addr.String())
	}
	return texts
}
