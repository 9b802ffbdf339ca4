package hostsfile

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/zone"
)

// Difference is a name for which a file does not have what it should.
type Difference struct {
	Name string
	// Want and Got are addresses, or what else a file has, as text; "" is
	// nothing at all.
	Want, Got string
}

// Node is the part of a node that determines its lines.
type Node struct {
	ID    zone.ID
	Names []zone.NodeName // that it claims, with the ID if that is one of them
	Addrs []netip.Addr
	Local bool
	Roles zone.Roles
}

// lineNames are the names on its lines.
func (n *Node) lineNames(prefix zone.Prefix, c zone.Canonical) []byte {
	_, err := prefix.Parse(string(n.ID))
	id := []byte(n.ID)
	w := newWords(nil, c, id, err != nil && !n.Local)
	for _, name := range n.Names {
		w.add(name, id)
	}
	return w.end(id)
}

// Zone is the part of a zone that determines the hosts file, for a caller
// without a Snapshot.
type Zone struct {
	// Ready is whether the zone is. Before, peers of an earlier run stay.
	Ready bool
	// Total is the number of all nodes, the departed too, which are the Nodes,
	// sorted by ID. Where there are too many for the file, only this machine
	// and the consensus members are looked at, and the others may be left out.
	Total int
	Nodes []Node
}

func (z Zone) render(limit int, prefix zone.Prefix, c zone.Canonical) table {
	t := newTable(z.Total, limit, 0)
	for i := range z.Nodes {
		if n := &z.Nodes[i]; !t.omits(n.Local, n.Roles) {
			if names := n.lineNames(prefix, c); len(names) > 0 {
				t.lines = appendLines(t.lines, n.Addrs, names)
			}
		}
	}
	return t
}

// own is what the lines of this machine have.
func (z Zone) own(prefix zone.Prefix, c zone.Canonical) ourLines {
	for i := range z.Nodes {
		if n := &z.Nodes[i]; n.Local {
			return ourLines{n.Addrs, n.lineNames(prefix, c)}
		}
	}
	return ourLines{}
}

// CompareHosts compares the hosts file with a zone, in the view of this
// process, and lists the nodes for which they differ. One Difference with the
// path for a name means that all nodes are there and the file is not as a
// Keeper writes it. It changes nothing. Where no hosts file is kept there is
// none.
//
// A Keeper writes some time after the zone has changed: a Difference is only a
// fault when it persists.
func (k *Keeper) CompareHosts(z Zone) ([]Difference, error) {
	if k.hosts == nil {
		return nil, nil
	}
	now, err := k.file.Read()
	switch {
	case err != nil:
		return nil, err
	case !now.Exists:
		return []Difference{{Name: k.file.String(), Want: "a file"}}, nil
	}
	canonical := *k.canonical.Load()
	full := z.render(k.cfg.HostsMaxNodes, k.cfg.Prefix, canonical)
	if !z.Ready {
		// Unless it was ready before, which only the daemon knows.
		if kept := retain(k.earlier(now.Bytes, k.form), z.own(k.cfg.Prefix, canonical), k.form); bytes.Equal(k.wholeFile(now.Bytes, kept), now.Bytes) {
			return nil, nil
		}
	}
	if bytes.Equal(k.wholeFile(now.Bytes, full), now.Bytes) {
		return nil, nil
	}
	differences := compareLines(full.lines, k.ours(now.Bytes), k.form)
	if len(differences) == 0 {
		differences = append(differences, k.otherForm(now.Bytes))
	}
	return differences, nil
}

// wholeFile is what the hosts file should be, given what it is.
func (k *Keeper) wholeFile(now []byte, t table) []byte {
	if k.cfg.HostsMode == HostsOwn {
		return ownFile(t, k.cfg.hasIPv6Loopback())
	}
	return blockFile(parse(now, k.form), t, k.cfg.hasIPv6Loopback())
}

// ours are the lines of nodes in a hosts file that are ours.
func (k *Keeper) ours(content []byte) []byte {
	if k.cfg.HostsMode == HostsOwn {
		return content
	}
	return parse(content, k.form).ours
}

// earlier are those that an earlier run has certainly written.
func (k *Keeper) earlier(content []byte, form lineForm) []byte {
	if k.cfg.HostsMode == HostsBlock {
		return parse(content, form).ours
	}
	// All of the file may be the user's yet.
	var ours []byte
	for _, line := range hostsformat.Lines(1, content) {
		if l, ok := form.parse(line); ok && (l.byID || form.isOurs(line)) {
			ours = append(ours, line...)
		}
	}
	return ours
}

// otherForm is the difference of a file that has the right lines, but not in
// the right form.
func (k *Keeper) otherForm(now []byte) Difference {
	d := Difference{Name: k.file.String(), Want: "the lines of nodedns as it writes them", Got: "other lines among them, or another order"}
	if k.cfg.HostsMode == HostsBlock {
		p := parse(now, k.form)
		switch {
		case !p.marked:
			d.Got = fmt.Sprintf("no %q", hostsformat.BeginMarker)
		case len(p.findings) > 0:
			d.Got = strings.Join(p.findings, "; ")
		}
	}
	return d
}

// compareLines lists the nodes whose lines differ, by name.
func compareLines(want, got []byte, form lineForm) []Difference {
	wanted, found := linesOf(want, form), linesOf(got, form)
	names := maps.Clone(wanted)
	maps.Copy(names, found)
	var differences []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if w, g := wanted[name], found[name]; w != g {
			differences = append(differences, Difference{name, w, g})
		}
	}
	return differences
}

// linesOf returns what lines have for each node: its addresses and, if there are
// any besides its ID, its names.
func linesOf(lines []byte, form lineForm) map[string]string {
	addresses, names := map[string]string{}, map[string]string{}
	for len(lines) > 0 {
		line := hostsformat.NextLine(lines)
		lines = lines[len(line):]
		if l, ok := form.parse(line); ok {
			id := string(l.id)
			addresses[id] = strings.TrimSpace(addresses[id] + " " + l.addr.String())
			if string(l.names) != id {
				names[id] = string(l.names)
			}
		}
	}
	for id, all := range names {
		addresses[id] += " " + all
	}
	return addresses
}

// Comparison is the state of a file that has the node's name.
type Comparison struct {
	Name string // "machine-id" or "hostname"
	Path string // as in FileStatus
	// Remark is for a file that is left as it is.
	Remark     string
	Difference *Difference // nil: none
	Err        error       // why it could not be compared
}

// CompareIdentity compares what has the node's name with it: machine-id, the
// kernel's hostname and the hostname files, as far as they are kept. It changes
// nothing.
func (k *Keeper) CompareIdentity() []Comparison {
	var all []Comparison
	if k.cfg.MachineID != "" {
		all = append(all, k.compareMachineID())
	}
	if k.cfg.Hostname && k.cfg.Root == "" {
		all = append(all, k.compareHostname())
	}
	for _, path := range k.cfg.hostnameFiles() {
		f := k.fileAt(path)
		now, err := f.Read()
		all = append(all, compareText("hostname", f.String(), string(k.cfg.ID)+"\n", now, err))
	}
	return all
}

func (k *Keeper) compareMachineID() Comparison {
	f := k.fileAt(k.cfg.MachineID)
	now, err := f.Read()
	want := machineID(k.cfg.MachineIDFormat, k.form, usesSystemd(k.cfg.Root), now)
	c := compareText("machine-id", f.String(), string(want), now, err)
	if c.Err != nil || c.Difference != nil {
		return c
	}
	text := strings.TrimSpace(string(want))
	switch {
	case CheckMachineID(k.cfg.Root, now.Bytes) != nil:
		c.Difference = &Difference{f.String(), wantMachineID, fmt.Sprintf("%.100q", now.Bytes)}
	case text != string(k.cfg.ID) && text != machineHex(k.form):
		c.Remark = "left as it was: it is systemd's"
	}
	return c
}

func (k *Keeper) compareHostname() Comparison {
	name, err := k.sys.hostname()
	return compareText("hostname", kernelName, string(k.cfg.ID), managed.Content{Exists: true, Bytes: []byte(name)}, err)
}

func compareText(name, path, want string, now managed.Content, err error) Comparison {
	c := Comparison{Name: name, Path: path, Err: err}
	switch {
	case err != nil:
	case !now.Exists:
		c.Difference = &Difference{Name: path, Want: fmt.Sprintf("%.100q", want)}
	case string(now.Bytes) != want:
		c.Difference = &Difference{path, fmt.Sprintf("%.100q", want), fmt.Sprintf("%.100q", now.Bytes)}
	}
	return c
}
