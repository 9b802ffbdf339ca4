package hostsfile

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone"
)

// table is what the hosts file should have of the zone.
type table struct {
	lines   []byte // of the nodes, sorted by ID
	nodes   int    // how many have at least one line
	limited bool   // too many nodes: only we and the consensus members
}

// lineSize is the length of a usual line: an IPv4 address and a node ID.
const lineSize = 60

// newTable is for a zone of so many nodes, with room for their lines or those of the
// table before. A zone of more than limit nodes (0: no limit) is cut down to
// ourselves and the consensus members, because glibc reads the whole file at each
// lookup.
func newTable(all, limit, before int) table {
	t := table{limited: limit > 0 && all > limit}
	if !t.limited {
		// Names make lines longer than usual, and seldom more than before.
		t.lines = make([]byte, 0, max(all*lineSize, before+before/64))
	}
	return t
}

// omits reports whether a node is left out of a table that is cut down.
func (t *table) omits(local bool, roles zone.Roles) bool {
	return t.limited && !local && roles&zone.ConsensusMember == 0
}

// render writes the lines of a snapshot's nodes, which were so long before.
func render(snap *zone.Snapshot, limit int, c zone.Canonical, before int) table {
	counts := snap.Counts()
	t := newTable(counts.Live+counts.Departed, limit, before)
	for node := range snap.All() {
		if t.omits(node.IsLocal(), node.Roles()) {
			continue
		}
		before := len(t.lines)
		t.lines = appendNode(t.lines, c, node)
		if len(t.lines) > before {
			t.nodes++
		}
	}
	return t
}

// ourLines is what the lines of this machine have.
type ourLines struct {
	addrs []netip.Addr
	names []byte // as appendNames has them
}

// linesOfLocal is what the lines of this machine have.
func linesOfLocal(local zone.Node, c zone.Canonical) ourLines {
	return ourLines{
		addrs: slices.Collect(local.Addrs()),
		names: appendNames(nil, c, local),
	}
}

// retain is the table while the zone is not ready: the peers that an earlier
// run wrote stay, and our own lines are those of our addresses, or also the
// earlier ones while we have none yet. What the zone holds of a backlog that is
// not complete waits.
func retain(earlier []byte, own ourLines, form lineForm) table {
	type row struct {
		id   zone.ID
		line []byte
	}
	var rows []row
	for len(earlier) > 0 {
		line := hostsformat.NextLine(earlier)
		earlier = earlier[len(line):]
		l, ok := form.parse(line)
		if !ok {
			continue
		}
		if l.id == form.local && string(own.names) == string(form.local) {
			own.names = l.names // those that we have may come with the backlog
		}
		// A peer's line with an address that is ours now is certainly wrong.
		if len(own.addrs) == 0 || l.id != form.local && !slices.Contains(own.addrs, l.addr) {
			rows = append(rows, row{l.id, line})
		}
	}
	if len(own.addrs) > 0 {
		rows = append(rows, row{form.local, appendLines(nil, own.addrs, own.names)})
	}
	// Stable: a node's addresses keep their order. More than one block may
	// have had the same line.
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	rows = slices.CompactFunc(rows, func(a, b row) bool { return string(a.line) == string(b.line) })
	var t table
	for i, r := range rows {
		t.lines = append(t.lines, r.line...)
		if i == 0 || rows[i-1].id != r.id {
			t.nodes++
		}
	}
	return t
}

// ownFile is the whole hosts file in own mode. With six localhost has ::1 too.
func ownFile(t table, six bool) []byte {
	return append(localhostLines(six), t.lines...)
}

// blockFile is the hosts file in block mode.
func blockFile(p parts, t table, six bool) []byte {
	local := localhostLines(six, p.before, p.after)
	return p.join(append(local, t.lines...))
}
