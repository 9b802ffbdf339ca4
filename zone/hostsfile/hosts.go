package hostsfile

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// table is what the zone wants to stand in the hosts file.
type table struct {
	lines   []byte // of the nodes, sorted by ID
	nodes   int    // how many have at least one line
	limited bool   // too many nodes: only we and the consensus members
}

// lineSize is the length of a usual line: an IPv4 address and a node ID.
const lineSize = 60

// render writes the lines of a snapshot's nodes. A zone of more than limit
// nodes (0: none is too many) is cut down to ourselves and the consensus
// members, because glibc reads the whole file at each lookup.
func render(snap *zone.Snapshot, limit int) table {
	counts := snap.Counts()
	all := counts.Live + counts.Departed
	t := table{limited: limit > 0 && all > limit}
	if !t.limited {
		t.lines = make([]byte, 0, all*lineSize)
	}
	for node := range snap.All() {
		if t.limited && !node.IsLocal() && node.Roles()&zone.ConsensusMember == 0 {
			continue
		}
		before := len(t.lines)
		t.lines = appendNode(t.lines, node)
		if len(t.lines) > before {
			t.nodes++
		}
	}
	return t
}

// appendNode appends the lines of one node, one for each of its addresses.
func appendNode(dst []byte, node zone.Node) []byte {
	for addr := range node.Addrs() {
		dst = addr.AppendTo(dst)
		dst = append(dst, ' ')
		dst = node.AppendID(dst)
		dst = append(dst, '\n')
	}
	return dst
}

// retain is the table while the zone is not ready: the peers that an earlier
// run wrote stay, and our own lines are those of the snapshot, or also the
// earlier ones while we have no address yet. What the zone holds of a backlog
// that is not complete waits.
func retain(earlier []byte, snap *zone.Snapshot, form lineForm) table {
	type row struct {
		id   zone.ID
		line []byte
	}
	local := snap.Local()
	var own []netip.Addr
	var rows []row
	for addr := range local.Addrs() {
		own = append(own, addr)
	}
	for len(earlier) > 0 {
		line := nextLine(earlier)
		earlier = earlier[len(line):]
		addr, id, ok := form.node(line)
		// A peer's line with an address that is ours now is wrong for sure.
		outdated := len(own) > 0 && (id == form.local || slices.Contains(own, addr))
		if ok && !outdated {
			rows = append(rows, row{id, line})
		}
	}
	if len(own) > 0 {
		rows = append(rows, row{form.local, appendNode(nil, local)})
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

// ownFile is the whole hosts file in own mode.
func ownFile(t table) []byte {
	out := make([]byte, 0, len(localhost4)+len(localhost6)+len(t.lines))
	out = append(out, localhost4...)
	out = append(out, localhost6...)
	return append(out, t.lines...)
}

// blockFile is the hosts file in block mode.
func blockFile(p parts, t table) []byte {
	local := localhostLines(p.before, p.after)
	return p.join(append(local, t.lines...))
}
