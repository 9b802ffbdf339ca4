package integration

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// userHosts is the hosts file of a fresh machine.
const userHosts = "127.0.0.1 localhost\n192.0.2.77 printer # the user's\n"

// At the start, without any address or cluster, the machine has its name
// everywhere; and restore takes it back, byte by byte.
func TestNameOfTheMachine(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	machineID := n.read("/etc/machine-id")
	before := n.hostname()

	d := n.boot()
	eventually(t, "the daemon lacks the address only", func() error {
		s, err := n.status()
		if err == nil && s.NodeID != n.id {
			err = fmt.Errorf("status is %+v", s)
		}
		return errors.Join(err, n.assessed("degraded", "no-address"))
	})
	if got := n.hostname(); got != n.id {
		t.Errorf("the hostname is %s, want %s", got, n.id)
	}
	if got := n.read("/etc/machine-id"); got != n.id {
		t.Errorf("machine-id is %q, want the name and no newline", got)
	}
	if info, err := os.Stat(n.path("/etc/machine-id")); err != nil || info.Mode() != 0o644 {
		t.Errorf("the mode of machine-id is %v (%v), want 0644", info.Mode(), err)
	}
	hosts := n.read("/etc/hosts")
	if !strings.HasPrefix(hosts, userHosts) || !strings.Contains(hosts, "\n::1 localhost\n") {
		t.Errorf("the hosts file is %q", hosts)
	}
	must(t, n.fileHas(n.id))
	must(t, n.remarks(14, "", n.id))

	n.address()
	eventually(t, "the addresses", func() error { return n.knows(n.id, n.v4(), n.v6()) })
	eventually(t, "all is well", func() error { return n.assessed("ready") })
	d.signal(unix.SIGTERM)
	d.exit()

	out, err := n.nodedns("restore", "--config", configFile)
	must(t, err)
	t.Logf("restore says: %s", out)
	for path, want := range map[string]string{"/etc/machine-id": machineID, "/etc/hosts": userHosts} {
		if got := n.read(path); got != want {
			t.Errorf("%s is %q after restore, want %q", path, got, want)
		}
	}
	if got := n.hostname(); got != before {
		t.Errorf("the hostname is %s after restore, want %s", got, before)
	}
}

// With systemd a live machine's ID must not change; only a missing one is
// written, in hex.
// Shows machine-id(5) first-boot, live.
func TestMachineIDUnderSystemd(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, test := range []struct {
		name, before string
		kept         bool
	}{
		{"a live machine", "0123456789abcdef0123456789abcdef\n", true},
		{"a first boot", "uninitialized\n", false},
		{"an empty file", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(newLAN(t), "node")
			n.configure(noUpstream)
			n.write("/etc/machine-id", test.before)
			n.run("mkdir", "-p", "/run/systemd/system")
			n.boot()
			eventually(t, "the daemon is ready", func() error { return n.answers("NOERROR", n.id) })
			want := strings.TrimPrefix(n.id, "metropolis-") + "\n"
			if test.kept {
				want = test.before
			}
			eventually(t, "the machine ID", func() error {
				if got := n.read("/etc/machine-id"); got != want {
					return fmt.Errorf("machine-id is %q, want %q", got, want)
				}
				return nil
			})
		})
	}
}

// What systemd cannot read as a machine ID is left alone, reported, and never equal.
func TestMachineIDThatIsNone(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	n.write("/etc/machine-id", "01234567-89ab-cdef-0123-456789abcdef\n")
	n.run("mkdir", "-p", "/run/systemd/system")
	n.boot()
	eventually(t, "the daemon is ready", func() error { return n.answers("NOERROR", n.id) })
	is := func(content, result string) {
		t.Helper()
		if content != "" {
			n.write("/etc/machine-id", content)
		}
		content = n.read("/etc/machine-id")
		must(t, n.compares("machine-id", result))
		findings, err := n.findings()
		must(t, err)
		found, reported := findings["machine-id"]
		switch {
		case reported != (result == "differs"):
			t.Errorf("%q: reported %t: %+v", content, reported, found)
		case reported:
			must(t, found.says("warning", strings.TrimSpace(content), "restart nodedns"))
		}
	}
	is("", "differs")
	if got := n.read("/etc/machine-id"); got != "01234567-89ab-cdef-0123-456789abcdef\n" {
		t.Errorf("machine-id is %q: it was written to", got)
	}
	is(strings.Repeat("0", 32)+"\n", "differs")
	is(n.id, "differs")
	is("uninitialized\n", "differs")
	is("0123456789abcdef0123456789abcdef\n", "equal")
	is(strings.TrimPrefix(n.id, "metropolis-")+"\n", "equal")
	n.run("rmdir", "/run/systemd/system")
	is(n.id, "equal")
}

// A hostname that another program sets later is reported, and not reset.
func TestForeignHostname(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	d := n.boot()
	eventually(t, "the hostname is set", func() error {
		if got := n.hostname(); got != n.id {
			return fmt.Errorf("the hostname is %s", got)
		}
		return nil
	})
	eventually(t, "the daemon answers", func() error { return n.answers("NOERROR", n.id) })
	n.run("hostname", "elsewhere")
	eventually(t, "it is reported", func() error { return d.logged("hostname was changed by another program") })
	if got := n.hostname(); got != "elsewhere" {
		t.Errorf("the hostname is %s, which is fought over", got)
	}
}
