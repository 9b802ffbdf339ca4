package nodefile

import (
	"sort"

	"github.com/nodedns/nodedns/zone"
)

// merged is what all files together have. Its nodes are numbered, in the order of
// the files and of their entries.
type merged struct {
	parts      []part
	count      int    // of the nodes
	overridden []bool // by number: a later file has the node too; nil: of none
	own        int    // the number of this machine's entry, where it has one
	ours       *entry // as it is reported; nil: there is none
	match      match  // why it is ours
}

// part is what one file had.
type part struct {
	*content
	file  *file
	first int // the number of its first node
}

// part is that of a node.
func (m *merged) part(number int) *part {
	after := sort.Search(len(m.parts), func(i int) bool { return m.parts[i].first > number })
	return &m.parts[after-1]
}

// entry is what is reported of a node.
func (m *merged) entry(number int) entry {
	if m.ours != nil && number == m.own {
		return *m.ours
	}
	p := m.part(number)
	return p.entry(number - p.first)
}

// ownID is the ID that this machine's entry has in its file, if there is one.
func (m *merged) ownID() string {
	if m.ours == nil {
		return ""
	}
	p := m.part(m.own)
	n := p.entry(m.own - p.first)
	return n.id()
}

// counts reports whether there is a node of a number, and no later file has it too.
func (m *merged) counts(number int) bool {
	return number < m.count && (m.overridden == nil || !m.overridden[number])
}

// agrees reports whether a number is that of one node in both.
func (m *merged) agrees(other *merged, number int) bool {
	if !m.counts(number) || !other.counts(number) {
		return false
	}
	n, also := m.entry(number), other.entry(number)
	return n.id() == also.id()
}

// numbers yields those of the nodes that count.
func (m *merged) numbers(yield func(number int) bool) {
	for number := range m.count {
		if m.counts(number) && !yield(number) {
			return
		}
	}
}

// find looks for a node by its ID in an index of these.
func (m *merged) find(x index, id string) (at uint64, number int, known bool) {
	at, found, known := x.find(id, func(number uint32) string { return m.entry(int(number)).id() })
	return at, int(found), known
}

// index has some of the nodes that count, by the IDs that are reported.
func (m *merged) index(has func(number int) bool) index {
	x := index{}
	for number := range m.numbers {
		if has(number) {
			n := m.entry(number)
			at, _, _ := m.find(x, n.id())
			x[at] = uint32(number)
		}
	}
	return x
}

// merge puts the files together, which are in their order: of two that have one
// node the later counts. The entry that is this machine's gets its ID. What does not
// fit is among the problems of the file that it is in.
func (w *Watcher) merge(files []*file, self *identity) *merged {
	m := &merged{match: noMatch}
	for _, f := range files {
		f.merged = problems{}
		if f.content != nil && len(f.content.nodes) > 0 {
			m.parts = append(m.parts, part{f.content, f, m.count})
			m.count += len(f.content.nodes)
		}
	}
	m.override()
	for number := range m.numbers {
		m.choose(number, self)
	}
	if m.match != noMatch {
		w.adopt(m, self)
	}
	return m
}

// override finds the nodes that later files have too.
func (m *merged) override() {
	if len(m.parts) < 2 {
		return
	}
	m.overridden = make([]bool, m.count)
	latest := index{}
	for i := len(m.parts) - 1; i >= 0; i-- {
		p := &m.parts[i]
		for j := range p.nodes {
			n := p.entry(j)
			at, later, known := m.find(latest, n.id())
			if !known {
				latest[at] = uint32(p.first + j)
				continue
			}
			m.overridden[p.first+j] = true
			p.file.merged.add(position{line: n.line}, "%s is in %s too, which comes later and counts", n.id(), m.part(later).file.path)
		}
	}
}

// choose has a node be this machine's entry where it is that rather than the one
// which was chosen before, if any. The other counts as another node's.
func (m *merged) choose(number int, self *identity) {
	n := m.entry(number)
	found := self.match(&n)
	switch {
	case found == noMatch:
		return
	case m.match == noMatch:
		m.own, m.match = number, found
		return
	}
	winner, loser, of := m.entry(m.own), n, number
	if found < m.match || found == m.match && self.hasAddress(&n) && !self.hasAddress(&winner) {
		winner, loser, of = n, winner, m.own
		m.own, m.match = number, found
	}
	if self.match(&loser) == byLabel && m.match < byLabel {
		return // a machine of the same name in another domain
	}
	m.part(of).file.merged.add(position{line: loser.line},
		"%s has the hostname or an address of this machine too, whose entry is %s, by its %v: further names belong there", loser.id(), winner.id(), m.match)
}

// adopt makes the node that was chosen this machine's.
func (w *Watcher) adopt(m *merged, self *identity) {
	n := m.entry(m.own)
	_, err := w.cfg.Prefix.Parse(n.id())
	ours := self.asOurs(&n, err == nil)
	if names := ours.names(); len(names) > zone.MaxNames { // its ID has become one of them
		beyond := names[zone.MaxNames]
		m.part(m.own).file.merged.add(position{line: n.line}, "name %q: a node has at most %d besides its ID, which is %s", beyond, zone.MaxNames, self.id)
		ours.words = ours.words[:len(ours.words)-len(space)-len(beyond)]
	}
	m.ours = ours
}
