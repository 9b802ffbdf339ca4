package integration

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// latecomer is a node that a file of nodes lists from some moment on.
var latecomer = listed{Names: []string{"late-1"}, Addresses: []netip.Addr{netip.MustParseAddr("10.88.9.1")}}

// diskFault is what is done to the disk of a machine, and how it is undone, by the shell.
// What is read-only is a mount of its own: the file system may be written to at that
// moment, and could not become so.
type diskFault struct{ begin, end string }

var (
	stateFull = diskFault{
		"dd if=/dev/zero of=/var/lib/nodedns/ballast bs=4k 2>/dev/null || true",
		"rm /var/lib/nodedns/ballast",
	}
	stateReadOnly = readOnly("/var/lib/nodedns")
	etcReadOnly   = readOnly("/etc")
)

func readOnly(dir string) diskFault {
	return diskFault{fmt.Sprintf("mount --bind %[1]s %[1]s && mount -o remount,bind,ro %[1]s", dir), "umount -l " + dir}
}

// useSmallDisk has the state directory on a disk of its own that is soon full. What a
// test writes there from outside is not seen any more.
func (n *node) useSmallDisk() {
	n.t.Helper()
	n.run("sh", "-ec", `cp -a /var/lib/nodedns /run/state
		mount -t tmpfs -o size=256k,mode=700 tmpfs /var/lib/nodedns
		cp -a /run/state/. /var/lib/nodedns`)
}

// Where the disk fails, names go on being answered, and a node that comes meanwhile is
// known over DNS and, where it can be written, by the file. What is wrong shows, and
// is over when the disk works again.
func TestFaultsOfTheDisk(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, tt := range []struct {
		name        string
		disk        diskFault
		hostsStands bool   // the hosts file cannot be written
		shows       string // in the errors of the status
	}{
		{name: "the state directory is full", disk: stateFull, shows: "no space left on device"},
		{name: "the state directory is read-only", disk: stateReadOnly, shows: "read-only file system"},
		{name: "the hosts file is read-only", disk: etcReadOnly, hostsStands: true, shows: "read-only file system"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(newLAN(t), "node")
			n.address()
			n.configure(noUpstream, "[nodes]", `files = ["/run/nodes.d"]`)
			n.run("mkdir", "/run/nodes.d")
			n.useSmallDisk()
			n.boot()
			n.awaitReady()
			eventually(t, "it is well", func() error { return n.assessed("ready") })

			n.run("sh", "-ec", tt.disk.begin)
			n.run("sh", "-ec", "printf '%s' \"$0\" >/run/nodes.d/fleet.hosts", hostsFormat(latecomer))
			eventually(t, "the latecomer", func() error { return n.resolves("late-1", latecomer.Addresses...) })
			eventually(t, "what is wrong shows", func() error {
				s, err := n.status()
				if err == nil && !strings.Contains(strings.ToLower(strings.Join(s.Errors, "\n")), tt.shows) {
					err = fmt.Errorf("the errors are %q", s.Errors)
				}
				return err
			})
			must(t, n.resolves(n.id, n.v4(), n.v6()))
			if !tt.hostsStands {
				eventually(t, "the latecomer by the file", func() error { return n.glibcKnows("files", "late-1", latecomer.Addresses...) })
			}

			n.run("sh", "-ec", tt.disk.end)
			eventually(t, "the latecomer by the file", func() error { return n.glibcKnows("files", "late-1", latecomer.Addresses...) })
			eventually(t, "it is well again", func() error { return n.assessed("ready") })
		})
	}
}

// Out of descriptors, queries over UDP are answered as before, and once there are
// some again TCP too.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	d := n.boot()
	n.awaitReady()
	pid := strconv.Itoa(d.cmd.Process.Pid)
	// Some of those that it keeps are opened just after it is ready.
	eventually(t, "it is well", func() error { return n.assessed("ready") })
	opened, err := filepath.Glob("/proc/" + pid + "/fd/*")
	must(t, err)
	const spare = 8
	n.run("prlimit", "--pid", pid, "--nofile="+strconv.Itoa(len(opened)+spare)+":") // the soft limit
	var connections []net.Conn
	for range 32 {
		conn, err := n.dial("tcp", "127.0.0.53:53")
		must(t, err)
		connections = append(connections, conn)
	}
	eventually(t, "it shows in the log", func() error { return d.logged("cannot accept a TCP connection") })
	must(t, n.resolves(n.id, n.v4(), n.v6()))
	for _, conn := range connections {
		must(t, conn.Close())
	}
	eventually(t, "TCP is answered", func() error {
		_, err := n.askBy("tcp", n.id, "A")
		return err
	})
	n.run("prlimit", "--pid", pid, "--nofile=1024:")
	eventually(t, "it is well", func() error { return n.assessed("ready") })
}
