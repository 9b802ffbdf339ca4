package integration

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// allFeatures are all features by their names, so that no hostname is kept.
const allFeatures = "hosts,machine-id,hostname,resolv-conf,nsswitch"

func TestEnable(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.install()
	n.write("/etc/resolv.conf", "nameserver "+routerV4+"\n")
	n.write("/etc/nsswitch.conf", "passwd: files\nhosts:\tfiles # all there was\n")
	dir := n.systemd()
	before, hostname := tree(t, n.path("/etc")), n.hostname()

	t.Run("nobody can be asked", func(t *testing.T) {
		out, err := n.switching(dir, "enable")
		if err == nil || !strings.Contains(err.Error(), "--yes") || !strings.Contains(out, "resolv-conf") {
			t.Errorf("got %v and\n%s", err, out)
		}
		sameTree(t, before, tree(t, n.path("/etc")))
	})
	out, err := n.switching(dir, "enable", "--yes", "--only", allFeatures)
	must(t, err)
	t.Logf("%s", out)
	t.Run("the machine is ours", func(t *testing.T) {
		must(t, n.pointsHere("options edns0"))
		if got := n.hostname(); got != n.id {
			t.Errorf("the hostname is %s", got)
		}
		if got := n.read("/etc/nsswitch.conf"); got != "passwd: files\nhosts:\tfiles dns # all there was\n" {
			t.Errorf("nsswitch.conf is %q", got)
		}
		eventually(t, "glibc finds the node", func() error { return n.glibcKnows("", n.id, n.v4(), n.v6()) })
		eventually(t, "the file has it", func() error { return n.glibcKnows("files", n.id, n.v4(), n.v6()) })
	})
	t.Run("twice is once", func(t *testing.T) {
		now := tree(t, n.path("/etc"))
		out, err := n.switching(dir, "enable")
		if err != nil || !strings.Contains(out, "nothing to do") {
			t.Errorf("got %v and\n%s", err, out)
		}
		sameTree(t, now, tree(t, n.path("/etc")))
	})
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	must(t, err)
	n.run("kill", "-9", strings.TrimSpace(string(pid)))
	out, err = n.switching(dir, "disable", "--yes")
	must(t, err)
	t.Logf("%s", out)
	sameTree(t, before, tree(t, n.path("/etc")))
	if got := n.hostname(); got != hostname {
		t.Errorf("the hostname is %s, want %s", got, hostname)
	}
	out, err = n.switching(dir, "disable")
	if err != nil || !strings.Contains(out, "Nothing is enabled") {
		t.Errorf("once more: %v and\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "enabled")); err == nil {
		t.Error("the service still starts at boot")
	}
}

// A daemon that does not answer is not enabled.
func TestEnableGoesBack(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.install()
	n.write("/etc/nsswitch.conf", "hosts: files\n")
	dir := n.systemd()
	// The service gets another configuration: one that is on another port.
	script, err := os.ReadFile(filepath.Join(dir, "systemctl"))
	must(t, err)
	broken := strings.Replace(string(script), " run --config", " run --dns.listen=203.0.113.1:53 --config", 1)
	must(t, os.WriteFile(filepath.Join(dir, "systemctl"), []byte(broken), 0o755))
	before := tree(t, n.path("/etc"))
	_, err = n.switching(dir, "enable", "--yes")
	if err == nil || !strings.Contains(err.Error(), "undone") {
		t.Errorf("got %v", err)
	}
	sameTree(t, before, tree(t, n.path("/etc")))
	if _, err := os.Stat(filepath.Join(dir, "enabled")); err == nil {
		t.Error("the service starts at boot")
	}
}

// A service that ran before goes on when all is disabled, and some of it may be.
func TestEnableWhereTheServiceRuns(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.install()
	n.write("/etc/nsswitch.conf", "hosts: files\n")
	n.write("/etc/resolv.conf", "nameserver "+routerV4+"\n")
	dir := n.systemd()
	for _, verb := range []string{"enable", "start"} {
		n.run(filepath.Join(dir, "systemctl"), verb, "nodedns.service")
	}
	before, hostname := tree(t, n.path("/etc")), n.hostname()
	_, err := n.switching(dir, "enable", "--yes", "--only", allFeatures)
	must(t, err)
	_, err = n.switching(dir, "disable", "--yes", "--only", "hostname,resolv-conf")
	must(t, err)
	if got := n.hostname(); got != hostname {
		t.Errorf("the hostname is %s, want %s", got, hostname)
	}
	if got, want := n.read("/etc/resolv.conf"), "nameserver "+routerV4+"\n"; got != want {
		t.Errorf("resolv.conf is %q, want %q", got, want)
	}
	eventually(t, "the hosts file is still kept", func() error { return n.glibcKnows("files", n.id, n.v4(), n.v6()) })
	_, err = n.switching(dir, "disable", "--yes")
	must(t, err)
	sameTree(t, before, tree(t, n.path("/etc")))
	n.run(filepath.Join(dir, "systemctl"), "is-active", "nodedns.service")
	n.run(filepath.Join(dir, "systemctl"), "is-enabled", "nodedns.service")
	must(t, n.answersNode(n.id, n.v4()))
}

// Where another program has the port nothing is done, and the program is named.
func TestEnableWhereThePortIsTaken(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.install()
	dir := n.systemd()
	before := tree(t, n.path("/etc"))
	n.startDaemon("--control.socket=/run/other.sock", "--state.dir=/var/lib/other")
	n.awaitReady()
	out, err := n.switching(dir, "enable", "--yes")
	if err == nil || !strings.Contains(err.Error(), "another program has 127.0.0.53:53") || !strings.Contains(out, "FEATURE") {
		t.Errorf("got %v and\n%s", err, out)
	}
	n.run("mkdir", "-p", "/run/systemd/resolve")
	n.run("touch", "/run/systemd/resolve/stub-resolv.conf")
	if _, err := n.switching(dir, "enable", "--yes"); err == nil || !strings.Contains(err.Error(), "DNSStubListener=no") {
		t.Errorf("got %v", err)
	}
	sameTree(t, before, tree(t, n.path("/etc")))
}

// A file that cannot be written holds up nothing else, and is reported.
func TestEnableWithAFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.install()
	n.write("/etc/nsswitch.conf", "hosts: files\n")
	n.write("/etc/resolv.conf", "nameserver "+routerV4+"\n")
	n.run("mount", "--bind", "/etc/hosts", "/etc/hosts")
	n.run("mount", "-o", "remount,bind,ro", "/etc/hosts")
	dir := n.systemd()
	before := tree(t, n.path("/etc"))
	_, err := n.switching(dir, "enable", "--yes")
	if err == nil || !strings.Contains(err.Error(), "/etc/hosts") || !strings.Contains(err.Error(), "the rest is enabled") {
		t.Errorf("got %v", err)
	}
	must(t, n.pointsHere("options edns0"))
	_, err = n.switching(dir, "disable", "--yes")
	must(t, err)
	sameTree(t, before, tree(t, n.path("/etc")))
}

// Where nss-resolve is installed it is queried first, unless another resolver
// has its socket.
func TestEnableWithNSSResolve(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	const socket = "/run/systemd/resolve/io.systemd.Resolve"
	for name, taken := range map[string]bool{"free": false, "taken": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(newLAN(t), "node")
			n.address()
			n.install()
			n.write("/etc/resolv.conf", "nameserver "+routerV4+"\n")
			// The module's stand-in is empty. glibc takes it for one that is
			// not available, so that the rest of the line is seen to work too.
			modules := t.TempDir()
			must(t, os.WriteFile(filepath.Join(modules, "libnss_resolve.so.2"), nil, 0o644))
			n.run("mount", "--bind", modules, "/usr/local/lib")
			dir := n.systemd()
			if taken {
				n.startDaemon("--control.socket=/run/other.sock", "--state.dir=/var/lib/other",
					"--dns.listen=127.0.0.2:53", "--varlink.socket="+socket, "--files.resolv_conf=")
				eventually(t, "the socket is taken", func() error { _, err := n.try("test", "-S", socket); return err })
			}
			before, line := tree(t, n.path("/etc")), "hosts: resolve [!UNAVAIL=return] files dns"
			out, err := n.switching(dir, "enable", "--yes")
			must(t, err)
			if taken {
				line = "hosts: files dns"
			}
			if got := n.read("/etc/nsswitch.conf"); !strings.Contains(got, line+"\n") {
				t.Errorf("nsswitch.conf is %q, want %q", got, line)
			}
			if strings.Contains(out, "systemctl disable --now systemd-resolved") != taken {
				t.Errorf("the plan is\n%s", out)
			}
			n.run("test", "-S", socket)
			eventually(t, "glibc finds the node", func() error { return n.glibcKnows("", n.id, n.v4(), n.v6()) })
			out, err = n.switching(dir, "enable")
			if err != nil || !strings.Contains(out, "nothing to do") {
				t.Errorf("once more: %v and\n%s", err, out)
			}
			_, err = n.switching(dir, "disable", "--yes")
			must(t, err)
			sameTree(t, before, tree(t, n.path("/etc")))
			if _, err := n.try("test", "-S", socket); (err == nil) != taken {
				t.Errorf("the socket: %v", err)
			}
		})
	}
}

// What could not be restored is restored when it can be: until then the
// service, with nothing enabled, goes on as it did before.
func TestDisableWithAFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.install()
	n.run("mount", "--bind", "/etc/hosts", "/etc/hosts")
	dir := n.systemd()
	for _, verb := range []string{"enable", "start"} {
		n.run(filepath.Join(dir, "systemctl"), verb, "nodedns.service")
	}
	before := tree(t, n.path("/etc"))
	_, err := n.switching(dir, "enable", "--yes", "--only", "hosts,hostname")
	must(t, err)
	eventually(t, "the file has the node", func() error { return n.glibcKnows("files", n.id, n.v4(), n.v6()) })
	n.run("mount", "-o", "remount,bind,ro", "/etc/hosts")
	if _, err := n.switching(dir, "disable", "--yes"); err == nil || !strings.Contains(err.Error(), "/etc/hosts") {
		t.Errorf("got %v", err)
	}
	n.run(filepath.Join(dir, "systemctl"), "is-active", "nodedns.service")
	n.run("mount", "-o", "remount,bind,rw", "/etc/hosts")
	_, err = n.switching(dir, "disable", "--yes")
	must(t, err)
	sameTree(t, before, tree(t, n.path("/etc")))
	n.run(filepath.Join(dir, "systemctl"), "is-active", "nodedns.service")
}

// What was interrupted is completed by a retry: at every step with NODEDNS_FULL=1,
// and before, amid and after the work of the service for every change.
func TestEnableInterrupted(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.install()
	n.write("/etc/nsswitch.conf", "hosts: files\n")
	n.write("/etc/resolv.conf", "nameserver "+routerV4+"\n")
	dir := n.systemd()
	before := tree(t, n.path("/etc"))
	// A systemctl that kills its caller, before or after its work.
	deadly := t.TempDir()
	killAt := func(verb string, late bool) {
		const kill = "[ \"$1\" = %s ] && kill -9 $PPID && exit\n"
		script := fmt.Sprintf("#!/bin/sh\n"+kill+"exec %s/systemctl \"$@\"\n", verb, dir)
		if late {
			script = fmt.Sprintf("#!/bin/sh\n%s/systemctl \"$@\"\nstatus=$?\n"+kill+"exit $status\n", dir, verb)
		}
		must(t, os.WriteFile(filepath.Join(deadly, "systemctl"), []byte(script), 0o755))
	}
	for _, c := range testkit.Some(3, []struct {
		command, verb string
		late          bool
		next          string
	}{
		{"enable", "enable", false, "enable"},
		{"enable", "restart", true, "disable"},
		{"disable", "stop", false, "disable"},
		{"disable", "disable", true, "enable"},
		{"enable", "restart", false, "disable"},
		{"enable", "restart", true, "enable"},
		{"disable", "stop", true, "disable"},
		{"disable", "disable", false, "disable"},
	}) {
		if c.command == "disable" {
			_, err := n.switching(dir, "enable", "--yes")
			must(t, err)
		}
		killAt(c.verb, c.late)
		if _, err := n.switching(deadly, c.command, "--yes"); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("%s was not killed at %s: %v", c.command, c.verb, err)
		}
		if c.next == "enable" {
			_, err := n.switching(dir, "enable", "--yes")
			must(t, err)
			must(t, n.pointsHere("options edns0"))
		}
		_, err := n.switching(dir, "disable", "--yes")
		must(t, err)
		sameTree(t, before, tree(t, n.path("/etc")))
	}
}

// Enabling and disabling leaves no trace on unusual machines. For every change
// these are the ones whose files are links, cannot be replaced, and are missing.
func TestEnableOnOddMachines(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, unusual := range testkit.Some(3, []struct {
		name string
		make func(t *testing.T, n *node)
	}{
		{"resolv.conf is a symlink", func(t *testing.T, n *node) {
			n.run("mkdir", "-p", "/run/systemd/resolve")
			n.run("sh", "-c", "echo nameserver "+routerV4+" >/run/systemd/resolve/resolv.conf")
			must(t, os.Remove(n.path("/etc/resolv.conf")))
			must(t, os.Symlink("../run/systemd/resolve/resolv.conf", n.path("/etc/resolv.conf")))
		}},
		{"mounted files", func(_ *testing.T, n *node) {
			for _, path := range []string{"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"} {
				n.run("mount", "--bind", path, path)
			}
			n.run("mount", "--bind", "/etc/machine-id", "/etc/machine-id")
			n.run("mount", "-o", "remount,bind,ro", "/etc/machine-id")
		}},
		{"nothing is there", func(t *testing.T, n *node) {
			for _, path := range []string{"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/machine-id"} {
				must(t, os.Remove(n.path(path)))
			}
		}},
		{"modes, owners and attributes", func(t *testing.T, n *node) {
			for i, path := range []string{"/etc/hosts", "/etc/nsswitch.conf", "/etc/machine-id", "/etc/resolv.conf"} {
				must(t, os.Chmod(n.path(path), fs.FileMode(0o440+i)))
				must(t, os.Chown(n.path(path), 1000+i, 2000+i))
				if err := unix.Setxattr(n.path(path), "user.mark", []byte{'a' + byte(i)}, 0); err != nil {
					t.Log("no attributes on this file system: ", err)
				}
			}
		}},
		{"nsswitch.conf of authselect", func(t *testing.T, n *node) {
			n.write("/etc/authselect/nsswitch.conf", "hosts: files mdns4_minimal [NOTFOUND=return]\n")
			must(t, os.Remove(n.path("/etc/nsswitch.conf")))
			must(t, os.Symlink("authselect/nsswitch.conf", n.path("/etc/nsswitch.conf")))
		}},
	}) {
		t.Run(unusual.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(newLAN(t), "node")
			n.address()
			n.install()
			n.write("/etc/nsswitch.conf", "hosts: files\n")
			n.write("/etc/resolv.conf", "nameserver "+routerV4+"\n")
			unusual.make(t, n)
			dir := n.systemd()
			before := tree(t, n.path("/etc"))
			for range testkit.Times(1, 2) {
				_, err := n.switching(dir, "enable", "--yes")
				must(t, err)
				must(t, n.pointsHere("options edns0"))
				_, err = n.switching(dir, "disable", "--yes")
				must(t, err)
				sameTree(t, before, tree(t, n.path("/etc")))
			}
		})
	}
}
