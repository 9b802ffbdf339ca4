package zone

import "fmt"

// maxRefusals bounds the refused entries that are remembered by name. Those
// beyond it are counted.
const maxRefusals = 1024

// refusals are the entries that are refused now: what the sources report and
// the zone does not show.
type refusals struct {
	named    map[string]refusal // by name
	backlogs uint32
	fresh    []string // the first names that the present batch refused
}

// refusal is what is remembered of a refused entry: the source and its backlog in
// which it was refused last, and why.
type refusal struct {
	by      *Source
	backlog uint32
	reason  string
}

func (r *refusals) count(sources []*Source) int {
	n := len(r.named)
	for _, src := range sources {
		n += src.unnamed
	}
	return n
}

// add records a refusal and reports whether it is new. Of a name that is not
// remembered this is unknown: it is counted in a backlog, where it should occur
// once, and not outside of one.
func (r *refusals) add(src *Source, name string, why error) bool {
	_, known := r.named[name]
	if !known && len(r.named) >= maxRefusals {
		if src.inBacklog {
			src.unnamed++
		}
		return src.inBacklog && src.unnamed == 1
	}
	if r.named == nil {
		r.named = map[string]refusal{}
	}
	r.named[name] = refusal{src, src.backlog, why.Error()}
	r.note(name)
	return !known
}

// note records a name as one that was refused now.
func (r *refusals) note(name string) {
	if len(r.fresh) < maxNames {
		r.fresh = append(r.fresh, name)
	}
}

// lift withdraws a source's refusal of a name: a valid entry has come, or a
// tombstone.
func (r *refusals) lift(src *Source, name string) {
	if len(r.named) == 0 {
		return
	}
	if name = clip(name); r.named[name].by == src {
		delete(r.named, name)
	}
}

// begin and complete frame a source's backlog: a refusal that was not repeated in
// it is over.
func (r *refusals) begin(src *Source) {
	r.backlogs++
	src.backlog, src.unnamed = r.backlogs, 0
}

func (r *refusals) complete(src *Source) {
	for name, refused := range r.named {
		if refused.by == src && refused.backlog != src.backlog {
			delete(r.named, name)
		}
	}
}

// forget drops the refusals of a source.
func (r *refusals) forget(src *Source) {
	r.begin(src)
	r.complete(src)
}

// refuse counts an entry as refused, and queues it for the log. An address of
// ours is counted where it is withheld.
func (src *Source) refuse(log *refusalBatch, name string, why error) {
	name = clip(name)
	news := why == errOurs || src.store.refusals.add(src, name, why)
	log.news = log.news || news
	log.add(name, why)
	if src.inBacklog {
		src.refused.add(name, why)
	}
}

// clip bounds what is remembered of a name without node-ID shape.
func clip(name string) string {
	if len(name) > maxLabel {
		return name[:maxLabel] + "…"
	}
	return name
}

// refusalBatch collects the refusals of one batch into one line, to be written
// if any of them is new.
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
