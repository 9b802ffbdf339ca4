package integration

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"
)

// mixed is a labelled cluster whose machines have a file of nodes too.
type mixed struct {
	*labelled
	planned string     // the ID of a node that the file has before the cluster
	nas     netip.Addr // of a node without a key
	file    string     // its text
	rows    []nameRow  // of both sources together
}

// The file of an operator names nodes of a cluster, and its names come first.
func TestNamesFromFileAndLabels(t *testing.T) {
	t.Parallel()
	m := &mixed{labelled: newLabelled(needNSS(t)), planned: strangerID(t), nas: netip.MustParseAddr("10.88.0.60")}
	web1, web3 := m.nodes[0], m.nodes[2]
	m.file = jsonFormat(
		listed{ID: web1.id, Names: []string{"gate"}, Addresses: []netip.Addr{}},
		// The cluster knows its address better.
		listed{ID: web3.id, Names: []string{"db", "db.corp.example"}, Addresses: []netip.Addr{netip.MustParseAddr("10.88.0.99")}},
		// Its name is also the label of the third node.
		listed{Names: []string{"web-3"}, Addresses: []netip.Addr{m.nas}},
		listed{ID: m.planned, Names: []string{"planned"}, Addresses: []netip.Addr{netip.MustParseAddr("10.88.0.61")}},
	)
	m.rows = slices.Concat(
		exist(m.nas, netip.Addr{}, "web-3", "web-3.nodes.example"),
		[]nameRow{
			{query: "web-3 TXT", status: "NOERROR", data: []string{`"id=web-3"`}},
			{query: web3.v4().String(), status: "NOERROR", data: []string{"db.nodes.example."}},
			{query: m.nas.String(), status: "NOERROR", data: []string{"web-3.nodes.example."}},
		})
	t.Run("a file beside the cluster", m.addFile)
	t.Run("the cluster hears of a node", m.learn)
	t.Run("without the file", m.loseFile)
	t.Run("without the curator", m.loseCurator)
	t.Run("restarted without any source", m.restartAlone)
}

func (m *mixed) bring(t *testing.T, some ...*node) {
	t.Helper()
	for _, n := range some {
		byRename(n.machine, "site.json", m.file)
	}
	for _, n := range some {
		eventually(t, n.name+" has read the file", func() error { return n.hasRead("site.json", m.file) })
	}
}

// others are rows for the nodes that are named by both, as a machine other than
// these sees them.
func (m *mixed) others(planned string) []nameRow {
	return slices.Concat(
		exist(m.nodes[2].v4(), netip.Addr{}, "db", "db.corp.example", "db.nodes.example"),
		exist(m.nodes[0].v4(), netip.Addr{}, "gate", "web-1", "gate.nodes.example"),
		exist(netip.MustParseAddr(planned), netip.Addr{}, "planned", "planned.nodes.example"))
}

func (m *mixed) addFile(t *testing.T) {
	web1, mail, web3 := m.nodes[0], m.nodes[1], m.nodes[2]
	m.bring(t, m.nodes...)
	for _, n := range m.nodes {
		must(t, n.answersRows(m.rows))
	}
	must(t, mail.answersRows(m.others("10.88.0.61")))
	must(t, mail.digRows(m.others("10.88.0.61")))
	for _, name := range []string{"web-1", "gate"} {
		must(t, web1.resolves(name, web1.v4(), web1.v6()))
	}
	must(t, web3.resolves("db", web3.v4(), web3.v6()))
	eventually(t, "glibc finds them", func() error {
		return errors.Join(
			m.x.findsBy(mail.machine, services, "web-3", m.nas),
			m.x.findsBy(mail.machine, services, "db", web3.v4()),
			m.x.findsBy(mail.machine, services, "db.corp.example", web3.v4()),
			m.x.findsBy(mail.machine, services, "web-1.nodes.example", web1.v4()))
	})
	must(t, m.x.findsBy(mail.machine, []string{"files"}, "web-1"))
	must(t, m.x.namesBy(mail.machine, web1.v4(), "gate.nodes.example gate web-1.nodes.example "+web1.id, "gate.nodes.example"))
	must(t, mail.resolves("mail.corp.example", mailHost))
}

func (m *mixed) learn(t *testing.T) {
	m.curator.tell("set %s 10.88.0.62", m.planned)
	m.answer(t, m.others("10.88.0.62"), m.nodes[1])
}

// loseFile takes the file away on one machine: the names are the cluster's alone, and
// what only the file had has departed.
func (m *mixed) loseFile(t *testing.T) {
	mail, web3 := m.nodes[1], m.nodes[2]
	must(t, os.RemoveAll(mail.path(nodesDir)))
	m.answer(t, slices.Concat(
		exist(web3.v4(), netip.Addr{}, "web-3", "web-3.nodes.example"),
		[]nameRow{
			{query: "db.nodes.example", status: "NXDOMAIN"},
			{query: "db", status: "NOERROR"},
			{query: web3.v4().String(), status: "NOERROR", data: []string{"web-3.nodes.example."}},
			{query: "planned.nodes.example", status: "NXDOMAIN"},
			{query: m.planned, status: "NOERROR", data: []string{"10.88.0.62"}},
			{query: m.nas.String(), status: "NOERROR", data: []string{"web-3."}, ede: "3 since "},
		}), mail)
	must(t, mail.daemon.logged("more than half of the nodes are gone"))
	m.bring(t, mail)
	must(t, mail.answersRows(append(m.rows, m.others("10.88.0.62")...)))
}

func (m *mixed) loseCurator(t *testing.T) {
	mail := m.nodes[1]
	m.curator.kill()
	eventually(t, "the curator is lost", func() error { return mail.connection(false) })
	must(t, mail.answersRows(append(m.rows, m.others("10.88.0.62")...)))
}

// restartAlone restarts a daemon without the curator, and then with neither curators
// nor files in its configuration.
func (m *mixed) restartAlone(t *testing.T) {
	mail := m.nodes[1]
	mail.restart()
	must(t, mail.answersRows(append(m.rows, m.others("10.88.0.62")...)))

	mail.configure("[zone]", `domains = ["nodes.example"]`, noUpstream, stubMode, withVarlink, "[nodes]", "files = []")
	mail.restart()
	must(t, mail.resolves("mail.nodes.example", mail.v4(), mail.v6()))
	must(t, mail.answersRows(append(m.rows, m.others("10.88.0.62")...)))
	eventually(t, "glibc finds them", func() error {
		return errors.Join(
			m.x.findsBy(mail.machine, services, "db", m.nodes[2].v4()),
			m.x.findsBy(mail.machine, services, "web-3", m.nas))
	})
}
