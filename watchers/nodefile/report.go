package nodefile

import (
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// batchSize is how many nodes are reported as changes: more are a backlog, in which the
// zone takes other changes meanwhile.
const batchSize = 32768

// report hands the difference between what the files have now and what was
// reported before to the zone: first what is gone, so that its names are free.
func (w *Watcher) report(now *merged) {
	before := w.reported
	// Most nodes are where they were. Only of the others an index is needed.
	moved := before.index(func(number int) bool { return !before.agrees(now, number) })
	still := make([]bool, before.count)
	var fresh []int
	for number := range now.numbers {
		n := now.entry(number)
		was, had := number, before.agrees(now, number)
		if !had {
			_, was, had = before.find(moved, n.id())
		}
		if had {
			still[was] = true
			last := before.entry(was)
			if last.equal(&n) {
				continue
			}
		}
		fresh = append(fresh, number)
	}
	w.reportGone(before, still, now)
	if len(fresh) > w.batch && w.complete {
		w.reportAll(now)
	} else {
		w.set(now, fresh)
	}
	w.logOwn(before, now)
	w.reported = now
}

// reportGone reports the nodes that were reported before and are not there any more.
// What turns out to be this machine's entry was none.
func (w *Watcher) reportGone(before *merged, still []bool, now *merged) {
	own := now.ownID()
	var gone, mistaken []string
	had, lost := map[*file]int{}, map[*file]int{}
	for number := range before.numbers {
		f := before.part(number).file
		had[f]++
		if still[number] {
			continue
		}
		if id := before.entry(number).id(); id == own || id == w.self.id {
			mistaken = append(mistaken, id)
		} else {
			gone = append(gone, id)
			lost[f]++
		}
	}
	if len(mistaken) > 0 {
		w.source.Retract(mistaken...)
	}
	for some := range slices.Chunk(gone, w.batch) {
		w.source.Gone(some...)
	}
	for f, count := range lost {
		if 2*count > had[f] {
			w.log.Warn("more than half of the nodes are gone from a file of nodes: departed, and still answered",
				"path", f.path, "count", count, "of", had[f])
		}
	}
}

// reportAll is for changes beyond a batch. Within a backlog no node is the first to
// claim a name, as within a batch: otherwise the order of the files would count, on
// this machine and not on one that starts later.
func (w *Watcher) reportAll(now *merged) {
	w.source.Begin()
	w.set(now, slices.Collect(now.numbers))
	w.source.Complete()
}

// set reports nodes, by their numbers.
func (w *Watcher) set(now *merged, numbers []int) {
	if len(numbers) == 0 {
		return
	}
	w.source.SetAll(func(yield func(*zone.Entry) bool) {
		var z zone.Entry
		for _, number := range numbers {
			n := now.entry(number)
			if n.report(&z); !yield(&z) {
				return
			}
		}
	})
}

// logOwn logs which entry is this machine's, when it is another one.
func (w *Watcher) logOwn(before, now *merged) {
	id := now.ownID()
	switch {
	case before.ownID() == id && before.match == now.match:
	case now.ours == nil:
		w.log.Info("the files of nodes have no entry of this machine any more")
	default:
		w.log.Info("this machine's entry in the files of nodes", "path", now.part(now.own).file.path, "line", now.ours.line,
			"id", id, "by", now.match.String(), "names", now.ours.names())
	}
}
