package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	selinuxAttribute = "security.selinux"
	netConfLabel     = "system_u:object_r:net_conf_t:s0"
	runLabel         = "system_u:object_r:NetworkManager_var_run_t:s0"
)

// setLabel gives a file of the machine an SELinux label.
func (m *machine) setLabel(path, label string) {
	m.t.Helper()
	if err := unix.Lsetxattr(m.path(path), selinuxAttribute, []byte(label+"\x00"), 0); err != nil {
		skip(m.t, "needs to set SELinux labels: "+err.Error())
	}
}

// label is that of a file, or "".
func (m *machine) label(path string) string {
	label := make([]byte, 1000)
	n, err := unix.Lgetxattr(m.path(path), selinuxAttribute, label)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(label[:n]), "\x00")
}

func (m *machine) labelled(path, want string) error {
	if got := m.label(path); got != want {
		return fmt.Errorf("%s has the label %q, want %q", path, got, want)
	}
	return nil
}

// A hosts file or resolv.conf that is new, or replaces a link, has the label by
// which other programs may read and replace it; the other files have their own.
func TestSELinuxLabels(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	t.Run("a new hosts file", func(t *testing.T) {
		t.Parallel()
		n := newNode(newLAN(t), "node")
		n.configure(noUpstream)
		n.setLabel(resolvConf, netConfLabel)
		n.setLabel("/etc/hostname", "system_u:object_r:hostname_etc_t:s0")
		must(t, os.Remove(n.path("/etc/hosts")))
		must(t, os.Remove(n.path("/etc/machine-id")))
		d := n.boot()
		written := func() error {
			if _, err := os.Stat(n.path("/etc/hosts")); err != nil {
				return err
			}
			return n.labelled("/etc/hosts", netConfLabel)
		}
		eventually(t, "the hosts file", written)
		eventually(t, "localhost", func() error { return n.knows("localhost", loopback4, loopback6) })
		must(t, n.labelled("/etc/machine-id", ""))
		must(t, n.labelled("/etc/hostname", "system_u:object_r:hostname_etc_t:s0"))

		// Another program removes it: it is a new one again.
		must(t, os.Remove(n.path("/etc/hosts")))
		eventually(t, "it is there again", written)
		d.signal(unix.SIGTERM)
		d.exit()
	})
	t.Run("resolv.conf in the place of a link", func(t *testing.T) {
		t.Parallel()
		n := newStub(t, "")
		// As NetworkManager's own file was labelled before policies knew it.
		n.write("/etc/theirs/resolv.conf", "nameserver "+routerV4+"\n")
		n.setLabel("/etc/theirs/resolv.conf", runLabel)
		n.setLabel("/etc/hosts", netConfLabel)
		must(t, os.Remove(n.path(resolvConf)))
		must(t, os.Symlink("theirs/resolv.conf", n.path(resolvConf)))
		d := n.boot()
		eventually(t, "resolv.conf points here", func() error { return n.pointsHere("options edns0") })
		must(t, n.labelled(resolvConf, netConfLabel))
		must(t, n.labelled("/etc/hosts", netConfLabel))
		d.signal(unix.SIGTERM)
		d.exit()
		if target, err := os.Readlink(n.path(resolvConf)); err != nil || target != "theirs/resolv.conf" {
			t.Errorf("resolv.conf leads to %q, %v", target, err)
		}
		must(t, n.labelled("/etc/theirs/resolv.conf", runLabel))
	})
}
