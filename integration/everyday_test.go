package integration

import (
	"flag"
	"slices"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

var update = flag.Bool("update", false, "write the manual's table of everyday networks again")

// everydayRow is what a forwarder meets on an everyday network, and how what
// comes of it is judged. Each of them is put into the same place: in front of
// the same servers, and asked the same.
type everydayRow struct {
	name string // of the manual's table
	// right is what nodedns makes of it.
	right string
	// measure states what the forwarder of a site makes of it, in a few words.
	// What these have behind a comma is a time, which is only written down.
	measure func(s *site) string
	// cannot are the forwarders that lack what it takes.
	cannot []string
}

// What is everyday for others, nodedns does right, as the manual's table has it.
// The other forwarders of the table are the reference. What they do depends on
// their version, so that it is only written down, by -update. For every change a
// third of the rows is measured: most have tests of their own besides.
func TestEverydayNetworks(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	measured := []forwarder{nodednsForwarder}
	if *update || testkit.Full() {
		needSandbox(t, "dnsmasq")
		needUnpacked(t, "unbound", "systemd-resolved")
		measured = append(measured, otherForwarders...)
	}
	var rows []everydayRow
	found := map[string][]string{} // by the row
	t.Run("measured", func(t *testing.T) {
		for _, topic := range everydayTopics {
			part := topic.rows()
			rows = append(rows, part...)
			for _, row := range part {
				found[row.name] = make([]string, len(measured))
			}
			if !*update {
				part = everyThird(0, part...)
			}
			for i, f := range measured {
				t.Run(topic.name+"/"+f.name, func(t *testing.T) {
					t.Parallel()
					for _, row := range part {
						t.Run(row.name, func(t *testing.T) { found[row.name][i] = row.cell(t, f) })
					}
				})
			}
		}
	})
	if !t.Failed() {
		compareEverydayPage(t, rows, measured, found)
	}
}

// cell is what a forwarder makes of a row. What nodedns does has to be right; what
// others do may differ from one time to the next.
func (row everydayRow) cell(t *testing.T, f forwarder) string {
	if slices.Contains(row.cannot, f.name) {
		return "–"
	}
	if f.name == nodednsForwarder.name {
		cell := row.measure(newSite(t, f))
		if untimed(cell) != row.right {
			t.Errorf("%q, want %q", cell, row.right)
		}
		return cell
	}
	times := 1
	if *update {
		times = 3
	}
	var cells []string
	for range times {
		cells = append(cells, row.measure(newSite(t, f)))
	}
	return asOne(cells)
}

// The rows of a topic are measured one after another: too many at once would only
// show how busy the machine is.
var everydayTopics = []struct {
	name string
	rows func() []everydayRow
}{
	{"connections", endingConnections},
	{"learnt of servers", learntOfServers},
	{"failures", endedFailures},
	{"repeated", repeatedQueries},
	{"order", orderedServers},
	{"own names", ownNames},
	{"replies", readableReplies},
}
