package zone

import "fmt"

// maxRefusals bounds the refused entries that are remembered by name. Those
// beyond it are counted.
const maxRefusals = 1024

// refusals are the entries that are refused now: what the sources say and the
// zone does not show.
type refusals struct {
	named    map[string]refusal // by name
	unnamed  int                // beyond maxRefusals, as the last backlog had them
	backlogs uint32
	fresh    []string // the first names that the present batch refused
}

// refusal is what is remembered of a refused entry: the backlog in which it was
// refused last, and why.
type refusal struct {
	backlog uint32
	reason  string
}

func (r *refusals) count() int { return len(r.named) + r.unnamed }

// add notes a refusal and reports whether it is news. Of a name that is not
// remembered nobody can tell: it is counted in a backlog, where it should occur
// once, and not outside of one.
func (r *refusals) add(name string, why error, inBacklog bool) bool {
	_, known := r.named[name]
	if !known && len(r.named) >= maxRefusals {
		if inBacklog {
			r.unnamed++
		}
		return inBacklog && r.unnamed == 1
	}
	if r.named == nil {
		r.named = map[string]refusal{}
	}
	r.named[name] = refusal{r.backlogs, why.Error()}
	r.note(name)
	return !known
}

// note puts a name down as one that was refused now.
func (r *refusals) note(name string) {
	if len(r.fresh) < maxNames {
		r.fresh = append(r.fresh, name)
	}
}

// lift takes back the refusal of a name: a good entry has come, or a tombstone.
func (r *refusals) lift(name string) {
	if len(r.named) > 0 {
		delete(r.named, clip(name))
	}
}

// begin and complete frame a backlog: a refusal that was not repeated in it is
// over.
func (r *refusals) begin() {
	r.backlogs++
	r.unnamed = 0
}

func (r *refusals) complete() {
	for name, refused := range r.named {
		if refused.backlog != r.backlogs {
			delete(r.named, name)
		}
	}
}

// refuse counts an entry as refused, and puts it down for the log. An address
// of ours is counted where it is withheld.
func (src *Source) refuse(log *refusalBatch, name string, why error) {
	name = clip(name)
	news := why == errOurs || src.store.refusals.add(name, why, src.inBacklog)
	log.news = log.news || news
	log.add(name, why)
	if src.inBacklog {
		src.refused.add(name, why)
	}
}

// clip bounds what is remembered of a name that has no shape.
func clip(name string) string {
	if len(name) > maxLabel {
		return name[:maxLabel] + "…"
	}
	return name
}

// refusalBatch collects the refusals of one batch into one line, to be written
// if any of them is news.
type refusalBatch struct {
	nameList
	news bool
}

func (l *refusalBatch) add(name string, why error) {
	if l.count < maxNames {
		name = fmt.Sprintf("%q: %v", name, why)
	}
	l.nameList.add(name)
}

// merge adds what another batch refused.
func (l *refusalBatch) merge(other refusalBatch) {
	l.count += other.count
	l.names = append(l.names, other.names[:min(len(other.names), maxNames-len(l.names))]...)
}

// maxNames is how many names a log line has at the most, however large the
// cluster is.
const maxNames = 10

// nameList counts names and keeps the first ones.
type nameList struct {
	count int
	names []string
}

func (l *nameList) add(name string) {
	l.count++
	if len(l.names) < maxNames {
		l.names = append(l.names, name)
	}
}
