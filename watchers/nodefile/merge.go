package nodefile

import "github.com/nodedns/nodedns/zone"

// merged is what all files together have.
type merged struct {
	nodes []placed       // in their order, the overridden left out
	byID  map[string]int // index in nodes, by the ID that is reported
	own   string         // the ID that this machine's entry has in its file, if there is one
	match match          // why it is ours
}

// placed is a node and the file that it is from.
type placed struct {
	*node
	file *file
}

// merge puts the files together, which are in their order: of two that have one
// node the later counts. The entry that is this machine's gets its ID. What does not
// fit is among the problems of the file that it is in.
func (w *Watcher) merge(files []*file, self *identity) *merged {
	latest, entries := map[string]*file{}, 0
	for _, f := range files {
		if f.content != nil {
			entries += len(f.content.nodes)
		}
		f.merged = problems{}
		if f.content != nil && len(files) > 1 {
			for i := range f.content.nodes {
				latest[f.content.nodes[i].id] = f
			}
		}
	}
	m := &merged{nodes: make([]placed, 0, entries), byID: make(map[string]int, entries), match: noMatch}
	own := -1
	for _, f := range files {
		if f.content == nil {
			continue
		}
		for i := range f.content.nodes {
			n := &f.content.nodes[i]
			if last := latest[n.id]; last != nil && last != f {
				f.merged.add(position{line: n.line}, "%s is in %s too, which comes later and counts", n.id, last.path)
				continue
			}
			m.byID[n.id] = len(m.nodes)
			m.nodes = append(m.nodes, placed{n, f})
			own = m.better(own, len(m.nodes)-1, self)
		}
	}
	if own >= 0 {
		w.adopt(m, own, self)
	}
	return m
}

// better returns which of two nodes is this machine's, by their indexes, of which
// the first may be none, -1. What it does not take counts as another node's.
func (m *merged) better(own, next int, self *identity) int {
	n := m.nodes[next]
	found := self.match(n.node)
	switch {
	case found == noMatch:
		return own
	case own < 0:
		m.match = found
		return next
	}
	was := m.nodes[own]
	winner, loser := was, n
	if found < m.match || found == m.match && self.hasAddress(n.node) && !self.hasAddress(was.node) {
		winner, loser, own, m.match = n, was, next, found
	}
	if self.match(loser.node) == byLabel && m.match < byLabel {
		return own // a machine of the same name in another domain
	}
	loser.file.merged.add(position{line: loser.line},
		"%s has the hostname or an address of this machine too, whose entry is %s, by its %v: further names belong there", loser.id, winner.id, m.match)
	return own
}

// adopt makes a node this machine's.
func (w *Watcher) adopt(m *merged, own int, self *identity) {
	n := m.nodes[own]
	_, err := w.cfg.Prefix.Parse(n.id)
	m.own = n.id
	delete(m.byID, n.id)
	ours := self.asOurs(n.node, err == nil)
	if len(ours.names) > zone.MaxNames { // its ID has become one of them
		n.file.merged.add(position{line: n.line}, "name %q: a node has at most %d besides its ID, which is %s", ours.names[zone.MaxNames], zone.MaxNames, self.id)
		ours.names = ours.names[:zone.MaxNames]
	}
	m.nodes[own].node = ours
	m.byID[self.id] = own
}
