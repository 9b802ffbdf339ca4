package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// In mode "own" the file has our lines in their order, and nothing else.
func TestOwnHostsFile(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	c := newCurator(l, "curator")
	n := newNode(l, "node")
	n.address()
	n.configure(follows(c), noUpstream, "[files]", `hosts_mode = "own"`)
	c.enrol(n)
	// By ID, and of one ID the IPv4 address first.
	lines := []string{n.v4().String() + " " + n.id, n.v6().String() + " " + n.id, c.v4().String() + " " + c.id}
	for i := range 5 {
		id, addr := strangerID(t), fmt.Sprintf("10.88.0.%d", 100+i)
		c.tell("set %s %s", id, addr)
		lines = append(lines, addr+" "+id)
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1])
	})
	want := "127.0.0.1 localhost\n::1 localhost\n" + strings.Join(lines, "\n") + "\n"
	d := n.boot()
	eventually(t, "the file", func() error {
		if got := n.read("/etc/hosts"); got != want {
			return fmt.Errorf("the hosts file is %q, want %q", got, want)
		}
		return nil
	})
	d.signal(unix.SIGTERM)
	d.exit()
	_, err := n.nodedns("restore", "--config", configFile)
	must(t, err)
	if got := n.read("/etc/hosts"); got != userHosts {
		t.Errorf("the hosts file is %q after restore, want %q", got, userHosts)
	}
}

// With a root all files are below it, and the running machine keeps its own.
func TestRoot(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	root := t.TempDir()
	must(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
	n.configure(noUpstream, "[files]", fmt.Sprintf("root = %q", root))
	before := n.hostname()
	n.boot()
	for path, want := range map[string]string{
		"etc/hosts":      n.v4().String() + " " + n.id + "\n",
		"etc/machine-id": n.id,
		"etc/hostname":   n.id,
	} {
		eventually(t, path, func() error {
			text, err := os.ReadFile(filepath.Join(root, path))
			if err == nil && !strings.Contains(string(text), want) {
				err = fmt.Errorf("%s is %q, want %q in it", path, text, want)
			}
			return err
		})
	}
	if got := n.read("/etc/hosts"); got != userHosts {
		t.Errorf("the machine's hosts file was touched: %q", got)
	}
	if got := n.hostname(); got != before {
		t.Errorf("the machine's hostname is %s now", got)
	}
}

// The machine-id of an image is in the format of the image's init, on a machine with
// another one.
func TestMachineIDOfAnImage(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, test := range []struct {
		name    string
		units   string
		machine bool // has systemd
		hex     bool
	}{
		{"systemd's image elsewhere", "usr/lib/systemd/system", false, true},
		{"another image on systemd", "usr/lib/other", true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(newLAN(t), "node")
			root := t.TempDir()
			for _, dir := range []string{"etc", test.units} {
				must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
			}
			if test.machine {
				n.run("mkdir", "-p", "/run/systemd/system")
			}
			n.configure(noUpstream, "[files]", fmt.Sprintf("root = %q", root))
			n.boot()
			want := n.id
			if test.hex {
				want = strings.TrimPrefix(n.id, "metropolis-") + "\n"
			}
			eventually(t, "the machine ID", func() error {
				text, err := os.ReadFile(filepath.Join(root, "etc/machine-id"))
				if err == nil && string(text) != want {
					err = fmt.Errorf("it is %q, want %q", text, want)
				}
				return err
			})
			eventually(t, "it is equal", func() error { return n.compares("machine-id", "equal") })
		})
	}
}

// Containers have /etc/hosts as a mount of its own, which cannot be renamed
// over.
func TestBindMountedHosts(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	n.run("mount", "--bind", "/etc/hosts", "/etc/hosts")
	d := n.boot()
	eventually(t, "our addresses", func() error { return n.knows(n.id, n.v4(), n.v6()) })
	must(t, n.glibcKnows("files", n.id, n.v4(), n.v6()))
	n.withdraw(n.v6())
	eventually(t, "one address less", func() error { return n.knows(n.id, n.v4()) })
	if !strings.HasPrefix(n.read("/etc/hosts"), userHosts) {
		t.Errorf("the user's lines are gone: %q", n.read("/etc/hosts"))
	}
	d.signal(unix.SIGTERM)
	d.exit()
	_, err := n.nodedns("restore", "--config", configFile)
	must(t, err)
	if got := n.read("/etc/hosts"); got != userHosts {
		t.Errorf("the hosts file is %q after restore, want %q", got, userHosts)
	}
}

// Another program, such as cloud-init, rewrites the file: our lines come back,
// and its lines stay.
func TestHostsWrittenByAnother(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	n.boot()
	eventually(t, "our addresses", func() error { return n.knows(n.id, n.v4(), n.v6()) })
	const theirs = "127.0.0.1 localhost\n::1 localhost\n192.0.2.1 gateway\n"
	n.write("/etc/hosts", theirs)
	eventually(t, "our addresses are back", func() error { return n.fileHas(n.id, n.v4(), n.v6()) })
	if got := n.read("/etc/hosts"); !strings.HasPrefix(got, theirs) {
		t.Errorf("their lines are gone: %q", got)
	}
}
