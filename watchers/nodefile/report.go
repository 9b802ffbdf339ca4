package nodefile

import (
	"iter"
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// batchSize is how many nodes are handed to the zone at once, about as many as a
// curator does: fewer take longer, and between two batches the zone takes other
// changes.
const batchSize = 32768

// report hands the difference between what the files have now and what was
// reported before to the zone: first what is gone, so that its names are free.
func (w *Watcher) report(now *merged) {
	before := w.reported
	var gone, mistaken []string
	lost := map[*file]int{}
	for _, n := range before.nodes {
		if _, still := now.byID[n.id]; still {
			continue
		}
		if n.id == now.own || n.id == w.self.id {
			mistaken = append(mistaken, n.id)
			continue
		}
		gone = append(gone, n.id)
		lost[n.file]++
	}
	if len(mistaken) > 0 {
		w.source.Retract(mistaken...)
	}
	for ids := gone; len(ids) > 0; {
		some := ids[:min(w.batch, len(ids))]
		ids = ids[len(some):]
		w.source.Gone(some...)
	}
	var fresh []*node
	for _, n := range now.nodes {
		if i, known := before.byID[n.id]; !known || !before.nodes[i].equal(n.node) {
			fresh = append(fresh, n.node)
		}
	}
	if len(fresh) > w.batch && w.complete {
		w.reportAll(now)
	} else {
		w.set(len(fresh), slices.Values(fresh))
	}
	w.logLosses(before, lost)
	w.logOwn(before, now)
	w.reported = now
}

// reportAll is for changes beyond a batch. Within a backlog no node is the first to
// claim a name, as within a batch: otherwise the order of the files would count, on
// this machine and not on one that starts later.
func (w *Watcher) reportAll(now *merged) {
	w.source.Begin()
	w.set(len(now.nodes), func(yield func(*node) bool) {
		for _, n := range now.nodes {
			if !yield(n.node) {
				return
			}
		}
	})
	w.source.Complete()
}

// set reports so many nodes.
func (w *Watcher) set(count int, nodes iter.Seq[*node]) {
	batch := make([]zone.Entry, 0, min(count, w.batch))
	for n := range nodes {
		if batch = append(batch, n.entry()); len(batch) == w.batch {
			w.source.Set(batch...)
			batch = batch[:0]
		}
	}
	if len(batch) > 0 {
		w.source.Set(batch...)
	}
}

// logLosses warns of files that more than half of their nodes are gone from.
func (w *Watcher) logLosses(before *merged, lost map[*file]int) {
	if len(lost) == 0 {
		return
	}
	had := map[*file]int{}
	for _, n := range before.nodes {
		had[n.file]++
	}
	for f, count := range lost {
		if 2*count > had[f] {
			w.log.Warn("more than half of the nodes are gone from a file of nodes: departed, and still answered",
				"path", f.path, "count", count, "of", had[f])
		}
	}
}

// logOwn logs which entry is this machine's, when it is another one.
func (w *Watcher) logOwn(before, now *merged) {
	if before.own == now.own && before.match == now.match {
		return
	}
	if now.own == "" {
		w.log.Info("the files of nodes have no entry of this machine any more")
		return
	}
	n := now.nodes[now.byID[w.self.id]]
	w.log.Info("this machine's entry in the files of nodes", "path", n.file.path, "line", n.line,
		"id", now.own, "by", now.match.String(), "names", n.names)
}
