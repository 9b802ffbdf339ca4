package integration

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// sharedFile are machines that have one file of nodes, no curator, and an upstream that
// never answers. The file comes to each in another way.
type sharedFile struct {
	*lan
	t       testing.TB
	x       *nss
	nodes   []*node
	bring   []delivery
	entries []listed // in the file now
	asked   queryLog // by the upstream
}

// newSharedFile makes three machines of which each finds its own entry by something else:
// web-1 by its node ID, web-2 by its hostname, and db-1 by its addresses. The
// directory of the last one comes when its daemon runs.
func newSharedFile(x *nss) *sharedFile {
	x.t.Helper()
	f := &sharedFile{lan: newLAN(x.t), t: x.t, x: x, bring: []delivery{inPlace, byLink, byRename}}
	dead := newScripted(f.routerHost(), script{udp: func(_ *scripted, q query, _ netip.AddrPort) { f.asked.add(q.name()) }})
	for _, hostname := range []string{"unnamed", "web-2.corp.example", "localhost"} {
		n := newNode(f.lan, fmt.Sprintf("machine%d", len(f.nodes))).called(hostname)
		n.address()
		n.write(resolvConf, "nameserver 127.0.0.53\nsearch corp.example\n")
		n.configure("[zone]", `domains = ["nodes.example"]`, "[upstream]", fmt.Sprintf("servers = [%q]", dead.addr()), withVarlink)
		f.nodes = append(f.nodes, n)
	}
	web1, web2, db1 := f.nodes[0], f.nodes[1], f.nodes[2]
	f.entries = []listed{web1.listedAs("web-1", web1.id), web2.listedAs("web-2"), db1.listedAs("db-1", "db", "db.corp.example")}
	text := hostsFormat(f.entries...)
	f.bring[0](web1.machine, "fleet.hosts", text)
	f.bring[1](web2.machine, "fleet.hosts", text)
	for _, n := range f.nodes {
		n.boot()
	}
	for _, n := range f.nodes {
		n.awaitReady()
	}
	must(f.t, db1.answers("NXDOMAIN", "web-1.nodes.example"))
	f.bring[2](db1.machine, "fleet.hosts", text)
	for _, n := range f.nodes {
		eventually(f.t, n.name+" has read the file", func() error { return n.hasRead("fleet.hosts", text) })
	}
	return f
}

// publish brings the file to all machines, with these entries, and waits until they
// have read it.
func (f *sharedFile) publish(t *testing.T, file string, format func(...listed) string, entries ...listed) {
	t.Helper()
	f.entries = entries
	text := format(entries...)
	for i, n := range f.nodes {
		f.bring[i](n.machine, file, text)
	}
	for _, n := range f.nodes {
		eventually(t, n.name+" has read the file", func() error { return n.hasRead(file, text) })
	}
}

// answer fails unless machines answer as the rows have it. All are asked unless some
// are given.
func (f *sharedFile) answer(t *testing.T, rows []nameRow, some ...*node) {
	t.Helper()
	if some == nil {
		some = f.nodes
	}
	for _, n := range some {
		if err := n.answersRows(rows); err != nil {
			t.Error(err)
		}
	}
}

// find waits until the C library of web-1 finds a name by each service, or finds it
// by none.
func (f *sharedFile) find(t *testing.T, name string, want ...netip.Addr) {
	t.Helper()
	eventually(t, name, func() error { return f.x.findsBy(f.nodes[0].machine, services, name, want...) })
}

// One file serves three machines unchanged, through all that becomes of it.
func TestNamesFromOneFile(t *testing.T) {
	t.Parallel()
	f := newSharedFile(needNSS(t))
	t.Run("each finds itself and the others", f.findEachOther)
	t.Run("an address changes", f.moveOne)
	t.Run("renamed", f.renameTwo)
	t.Run("two with one name", f.contest)
	t.Run("removed", f.removeOne)
	t.Run("broken", f.breakFile)
	t.Run("in JSON", f.switchToJSON)
	t.Run("restarted without the file", f.restartWithout)
	t.Run("no server was asked for any of it", f.askedNoServer)
}

func (f *sharedFile) findEachOther(t *testing.T) {
	web1, web2, db1 := f.nodes[0], f.nodes[1], f.nodes[2]
	rows := slices.Concat(
		exist(web1.v4(), web1.v6(), "web-1", "web-1.nodes.example"),
		exist(web2.v4(), web2.v6(), "Web-2", "web-2.NODES.example"),
		exist(db1.v4(), db1.v6(), "db-1", "db", "db.nodes.example", "db.corp.example"),
		[]nameRow{
			{query: web1.v4().String(), status: "NOERROR", data: []string{"web-1.nodes.example."}},
			{query: web2.v6().String(), status: "NOERROR", data: []string{"web-2.nodes.example."}},
			{query: db1.v4().String(), status: "NOERROR", data: []string{"db-1.nodes.example."}},
			{query: "web-1 TXT", status: "NOERROR", data: []string{`"id=` + web1.id + `"`}},
			{query: "x.web-2", status: "NXDOMAIN"},
			{query: "web-9.nodes.example", status: "NXDOMAIN"},
			{query: "web-9", status: "NOERROR"},
			{query: "corp.example.nodes.example", status: "NOERROR"}, // above a name
			{query: "web-2.corp.example", status: "NXDOMAIN"},
			{query: "db-1.corp.example AAAA", status: "NXDOMAIN"},
		})
	f.answer(t, rows)
	must(t, web1.digRows(rows))
	for i, n := range f.nodes {
		for j, name := range []string{"web-1", "web-2", "db-1"} {
			if i != j && i > 0 && !testkit.Full() {
				continue
			}
			peer := f.nodes[j]
			eventually(t, n.name+" finds "+name, func() error {
				return f.x.findsBy(n.machine, services, name, peer.v4(), peer.v6())
			})
			must(t, f.x.findsBy(n.machine, services, name+".nodes.example", peer.v4(), peer.v6()))
			lines := name + ".nodes.example " + name
			if j == 2 {
				lines += " db.nodes.example db db.corp.example"
			}
			if i == j || j == 0 {
				lines += " " + peer.id
			}
			must(t, f.x.namesBy(n.machine, peer.v4(), lines, name+".nodes.example"))
		}
	}
}

// moveOne has another address in the file, which the machine itself does not heed.
func (f *sharedFile) moveOne(t *testing.T) {
	web1, web2, db1 := f.nodes[0], f.nodes[1], f.nodes[2]
	before, moved := f.entries, netip.MustParseAddr("10.88.0.92")
	f.publish(t, "fleet.hosts", hostsFormat, before[0], listed{Names: []string{"web-2"}, Addresses: []netip.Addr{moved}}, before[2])
	f.answer(t, append(exist(moved, netip.Addr{}, "web-2"),
		nameRow{query: moved.String(), status: "NOERROR", data: []string{"web-2.nodes.example."}}), web1, db1)
	f.find(t, "web-2", moved)
	f.answer(t, exist(web2.v4(), web2.v6(), "web-2"), web2)
	// Its hostname is the node ID by now: the one before it still counts.
	web2.restart()
	eventually(t, "it has read the file", func() error { return web2.hasRead("fleet.hosts", hostsFormat(f.entries...)) })
	f.answer(t, exist(web2.v4(), web2.v6(), "web-2"), web2)
	f.publish(t, "fleet.hosts", hostsFormat, before...)
	f.answer(t, exist(web2.v4(), web2.v6(), "web-2"))
}

// renameTwo gives other names to two nodes: one keeps its ID, and its old name is
// gone; the other is another node, so that the old one has departed.
func (f *sharedFile) renameTwo(t *testing.T) {
	web1, web2, db1 := f.nodes[0], f.nodes[1], f.nodes[2]
	f.publish(t, "fleet.hosts", hostsFormat, web1.listedAs("www-1", web1.id), f.entries[1], db1.listedAs("sql-1", "db", "db.corp.example"))
	f.answer(t, slices.Concat(
		exist(web1.v4(), web1.v6(), "www-1", "www-1.nodes.example"),
		exist(db1.v4(), db1.v6(), "sql-1.nodes.example", "sql-1", "db", "db.corp.example"),
		[]nameRow{
			{query: "web-1", status: "NOERROR"},
			{query: "web-1.nodes.example", status: "NXDOMAIN"},
			{query: web1.v6().String(), status: "NOERROR", data: []string{"www-1.nodes.example."}},
			{query: db1.v6().String(), status: "NOERROR", data: []string{"sql-1.nodes.example."}},
			{query: web1.id + " A", status: "NOERROR", data: []string{web1.v4().String()}},
		}))
	f.answer(t, []nameRow{{query: "db-1", status: "NOERROR", data: []string{db1.v4().String()}, ede: "3 since "}}, web1, web2)
	f.answer(t, []nameRow{{query: "db-1.nodes.example", status: "NXDOMAIN"}}, db1)
	f.find(t, "www-1", web1.v4(), web1.v6())
	f.find(t, "sql-1", db1.v4(), db1.v6())
}

// contest gives one name to two nodes. What had it before keeps it, and without one
// that had no machine guesses.
func (f *sharedFile) contest(t *testing.T) {
	web1, web2, db1 := f.nodes[0], f.nodes[1], f.nodes[2]
	both := []listed{web1.listedAs("www-1", "www", web1.id), web2.listedAs("web-2", "www"), f.entries[2]}
	f.publish(t, "fleet.hosts", hostsFormat, both...)
	contested := func(id string) []nameRow {
		return []nameRow{
			{query: "www", status: "SERVFAIL", ede: "0 " + web1.id},
			{query: "www.nodes.example AAAA", status: "SERVFAIL", ede: "0 " + id},
		}
	}
	f.answer(t, contested("web-2"), web1, db1)
	f.answer(t, contested(web2.id), web2)
	f.answer(t, exist(web2.v4(), web2.v6(), "web-2"))
	f.find(t, "www")

	f.publish(t, "fleet.hosts", hostsFormat, both[0], web2.listedAs("web-2"), both[2])
	f.answer(t, exist(web1.v4(), web1.v6(), "www", "www.nodes.example"))
	f.publish(t, "fleet.hosts", hostsFormat, both...)
	for _, n := range f.nodes {
		must(t, n.contestedNames(1))
	}
	settled := exist(web1.v4(), web1.v6(), "www", "www.nodes.example")
	f.answer(t, settled)
	f.find(t, "www", web1.v4(), web1.v6())
	db1.restart()
	eventually(t, "it has read the file", func() error { return db1.hasRead("fleet.hosts", hostsFormat(both...)) })
	f.answer(t, settled, db1)
	must(t, db1.contestedNames(1))
}

func (f *sharedFile) removeOne(t *testing.T) {
	web1, web2, db1 := f.nodes[0], f.nodes[1], f.nodes[2]
	f.publish(t, "fleet.hosts", hostsFormat, web1.listedAs("www-1", "www", web1.id), web2.listedAs("web-2"))
	since := func(name string) nameRow {
		return nameRow{query: name, status: "NOERROR", data: []string{db1.v4().String()}, ede: "3 since "}
	}
	f.answer(t, []nameRow{since("sql-1"), since("sql-1.nodes.example"), since("db.corp.example")}, web1, web2)
	f.answer(t, []nameRow{
		{query: "sql-1.nodes.example", status: "NXDOMAIN"},
		{query: db1.v4().String(), status: "NOERROR", data: []string{db1.id + "."}},
	}, db1)
	f.find(t, "sql-1", db1.v4(), db1.v6()) // still
}

// breakFile leaves a file that is half of another format. What it had before stands.
func (f *sharedFile) breakFile(t *testing.T) {
	web2 := f.nodes[1]
	for i, n := range f.nodes {
		f.bring[i](n.machine, "fleet.hosts", "10.88.0.1 www-1\nhttp://10.88.0.2/ web-2\n")
		eventually(t, "the fault is in the status", func() error {
			return n.nodeFile("fleet.hosts", "an error in line 2", func(f nodeFileStatus) bool {
				return f.Nodes == 2 && strings.Contains(f.Error, "line 2")
			})
		})
	}
	f.answer(t, exist(web2.v4(), web2.v6(), "web-2"))
	f.answer(t, []nameRow{{query: "sql-1", status: "NOERROR", data: []string{f.nodes[2].v4().String()}, ede: "3 since "}}, web2)
	out, err := web2.nodedns("status", "--check", "--config", configFile)
	if err == nil || !strings.Contains(out, "fleet.hosts") {
		t.Errorf("status --check: %v\n%s", err, out)
	}
}

// switchToJSON brings the same in the other format, and takes the first file away.
func (f *sharedFile) switchToJSON(t *testing.T) {
	web1, web2 := f.nodes[0], f.nodes[1]
	f.publish(t, "fleet.json", jsonFormat, web1.listedAs("www-1", "www", web1.id), web2.listedAs("web-2", "store"))
	store := exist(web2.v4(), web2.v6(), "web-2", "store", "store.nodes.example")
	f.answer(t, store)
	must(t, web1.nodeFile("fleet.hosts", "a problem with each node", func(f nodeFileStatus) bool {
		return len(f.Problems) == 2 && strings.Contains(f.Problems[1], "web-2 is in "+filepath.Join(nodesDir, "fleet.json"))
	}))
	var hashes []string
	for _, n := range f.nodes {
		must(t, os.Remove(n.path(filepath.Join(nodesDir, "fleet.hosts"))))
		eventually(t, "there is one file", func() error {
			files, err := n.nodeFiles()
			if err == nil && (len(files) != 1 || files[0].Error != "" || files[0].Nodes != 2) {
				err = fmt.Errorf("the files are %+v", files)
			}
			if err == nil {
				hashes = append(hashes, files[0].Hash)
			}
			return err
		})
	}
	if hashes = slices.Compact(hashes); len(hashes) != 1 || hashes[0] == "" {
		t.Errorf("the hashes are %q, want the same on all machines", hashes)
	}
	f.answer(t, store)
	f.answer(t, exist(web1.v4(), web1.v6(), "www"))
}

// restartWithout starts a daemon whose directory is gone, and then without any source
// of nodes. It answers from what the one before saved.
func (f *sharedFile) restartWithout(t *testing.T) {
	web1, web2 := f.nodes[0], f.nodes[1]
	names := []string{"web-2", "store.nodes.example"}
	must(t, os.RemoveAll(web1.path(nodesDir)))
	web1.restart()
	for _, name := range names {
		f.answer(t, []nameRow{{query: name, status: "NOERROR", data: []string{web2.v4().String()}, ede: "3 since "}}, web1)
	}
	f.find(t, "store", web2.v4(), web2.v6())

	web1.write(configFile, web1.read(configFile)+"[nodes]\nfiles = []\n")
	web1.restart()
	for _, name := range names {
		must(t, web1.resolves(name, web2.v4(), web2.v6()))
	}
	f.find(t, "store", web2.v4(), web2.v6())
}

func (f *sharedFile) askedNoServer(t *testing.T) {
	must(t, f.nodes[0].answers("SERVFAIL", "elsewhere.example")) // what is asked is recorded
	if f.asked.count("elsewhere.example.") == 0 {
		t.Error("the server was not even asked for another name")
	}
	names := []string{"web-1", "web-2", "www", "www-1", "db", "db-1", "sql-1", "store"}
	for _, name := range f.asked.all() {
		first, _, _ := strings.Cut(name, ".")
		if slices.Contains(names, first) || isBelow(name, "nodes.example.") || isBelow(name, "arpa.") {
			t.Errorf("the server was asked for %s", name)
		}
	}
}
