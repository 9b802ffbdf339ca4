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
// their version, so that it is only written down, by -update.
func TestEverydayNetworks(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	measured := []forwarder{nodednsForwarder}
	if *update || testkit.Full() {
		needSandbox(t, "dnsmasq")
		needUnpacked(t, "unbound", "systemd-resolved")
		measured = append(measured, otherForwarders...)
	}
	rows := everydayRows()
	found := make([][]string, len(rows))
	t.Run("rows", func(t *testing.T) {
		for i, row := range rows {
			found[i] = make([]string, len(measured))
			for j, f := range measured {
				t.Run(row.name+"/"+f.name, func(t *testing.T) {
					t.Parallel()
					if slices.Contains(row.cannot, f.name) {
						found[i][j] = "–"
						return
					}
					found[i][j] = row.measure(newSite(t, f))
					if j == 0 && untimed(found[i][j]) != row.right {
						t.Errorf("%s: %q, want %q", row.name, found[i][j], row.right)
					}
				})
			}
		}
	})
	if !t.Failed() {
		compareEverydayPage(t, rows, measured, found)
	}
}

func everydayRows() []everydayRow {
	return slices.Concat(endingConnections(), learntOfServers(), endedFailures(), repeatedQueries(),
		orderedServers(), ownNames(), readableReplies())
}
