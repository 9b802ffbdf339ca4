package integration

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	resolvConf  = "/etc/resolv.conf"
	realServers = "/run/nodedns/resolv.conf"
	sharedPath  = "/run/systemd/resolve/resolv.conf"

	// stubMode is the part of a configuration that takes resolv.conf.
	stubMode = "[files]\nresolv_conf_mode = \"stub\""
)

// resolvConfStatus is what "nodedns status --json" has on resolv.conf.
type resolvConfStatus struct {
	Path, Mode, State, Source, Error string
	Overwrites                       int
	LastOverwrittenBy                string `json:"last_overwritten_by"`
}

func (m *machine) resolvConfStatus() (resolvConfStatus, error) {
	var s struct {
		ResolvConf resolvConfStatus `json:"resolv_conf"`
	}
	return s.ResolvConf, m.readStatus(&s)
}

// pointsHere fails unless resolv.conf points at the machine's own daemon, and
// has these lines more.
func (m *machine) pointsHere(lines ...string) error {
	text, err := os.ReadFile(m.path(resolvConf))
	if err != nil {
		return err
	}
	_, got, _ := strings.Cut(string(text), "\n") // the first one names its writer
	if want := strings.Join(append([]string{"nameserver 127.0.0.53"}, append(lines, "")...), "\n"); got != want {
		return fmt.Errorf("resolv.conf is %q, want %q", text, want)
	}
	return nil
}

// newStub is a node in mode stub, on a lan whose router has www.example. It has
// this resolv.conf.
func newStub(t *testing.T, original string, flags ...string) *node {
	t.Helper()
	l := newLAN(t)
	startDNSMasq(l.router, routerV4, append(flags, "--local=/example/", "--host-record=www.example,192.0.2.10")...)
	n := newNode(l, "node")
	n.address()
	n.configure(stubMode)
	n.write(resolvConf, original)
	return n
}

func TestResolvConfStub(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	const original = "# mine\nnameserver " + routerV4 + "\nsearch example\noptions timeout:1\n"
	n := newStub(t, original)
	d := n.boot()
	eventually(t, "resolv.conf points here", func() error {
		return n.pointsHere("search example", "options timeout:1 edns0")
	})
	t.Run("glibc finds the node, and by the search list the others", func(t *testing.T) {
		eventually(t, "our address is known", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
		must(t, n.glibcKnows("dns", n.id, n.v4(), n.v6()))
		out, err := n.try("getent", "hosts", n.id)
		must(t, err)
		if !strings.Contains(out, n.id) {
			t.Errorf("getent hosts prints %q", out)
		}
		eventually(t, "glibc finds www", func() error { return n.glibcKnows("dns", "www", netip.MustParseAddr("192.0.2.10")) })
	})
	t.Run("containers find the router", func(t *testing.T) {
		for _, path := range []string{realServers, sharedPath} {
			if text := n.run("cat", path); !strings.HasSuffix(text, "\nnameserver "+routerV4+"\nsearch example\noptions timeout:1\n") {
				t.Errorf("%s is %q", path, text)
			}
		}
	})
	t.Run("status", func(t *testing.T) {
		s, err := n.resolvConfStatus()
		must(t, err)
		if s.Path != resolvConf || s.Mode != "stub" || s.State != "stub" || !strings.HasPrefix(s.Source, resolvConf) || s.Error != "" {
			t.Errorf("status %+v", s)
		}
	})
	t.Run("a clean stop", func(t *testing.T) {
		d.signal(unix.SIGTERM)
		if code := d.exit(); code != 0 {
			t.Errorf("exit status %d", code)
		}
		if got := n.read(resolvConf); got != original {
			t.Errorf("resolv.conf is %q, want %q", got, original)
		}
		if out, err := n.try("readlink", sharedPath); err == nil {
			t.Errorf("the symlink to %s has stayed", out)
		}
	})
}

// The first local domain is searched too: a name in it need not be written out.
func TestResolvConfSearchesTheLocalDomain(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	const original = "nameserver " + routerV4 + "\nsearch example\n"
	n := newStub(t, original)
	zone := "[zone]\ndomains = [\"nodes.example\", \"more.example\"]"
	n.configure(zone, stubMode)
	d := n.boot()
	eventually(t, "resolv.conf points here", func() error {
		return n.pointsHere("search example nodes.example", "options edns0")
	})
	eventually(t, "our address is known", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	if text := n.run("cat", realServers); !strings.HasSuffix(text, "\nsearch example\n") {
		t.Errorf("containers have %q", text)
	}
	n.configure(strings.Replace(zone, "nodes.", "cluster.", 1), stubMode)
	d.signal(unix.SIGHUP)
	eventually(t, "the other domain is searched", func() error {
		return n.pointsHere("search example cluster.example", "options edns0")
	})
	d.signal(unix.SIGTERM)
	d.exit()
	if got := n.read(resolvConf); got != original {
		t.Errorf("resolv.conf is %q, want %q", got, original)
	}
}

// After kill -9 the command of the unit gives a symlink back as it was, even
// where the configuration is broken by then.
func TestResolvConfAfterKill(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := newStub(t, "")
	n.write("/etc/theirs.conf", "nameserver "+routerV4+"\n")
	must(t, os.Remove(n.path(resolvConf)))
	must(t, os.Symlink("theirs.conf", n.path(resolvConf)))
	for _, configuration := range []string{stubMode, "[files]\nresolv_conf_mode = \"sutb\""} {
		d := n.boot()
		eventually(t, "resolv.conf points here", func() error { return n.pointsHere("options edns0") })
		d.kill()
		must(t, n.pointsHere("options edns0"))
		n.configure(configuration)
		_, err := n.nodedns("resolvconf", "restore", "--config", configFile)
		must(t, err)
		if target, err := os.Readlink(n.path(resolvConf)); err != nil || target != "theirs.conf" {
			t.Errorf("resolv.conf leads to %q, %v", target, err)
		}
	}
	out, err := n.nodedns("resolvconf", "restore", "--config", configFile)
	must(t, err)
	if !strings.Contains(out, "nothing to put back") {
		t.Errorf("once more: %s", out)
	}
}

// After a kill and a restart the first original is still the one kept.
func TestResolvConfAfterRestart(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	const original = "nameserver " + routerV4 + "\n"
	n := newStub(t, original)
	for range 2 {
		d := n.boot()
		eventually(t, "other names resolve through us", func() error {
			if err := n.pointsHere("options edns0"); err != nil {
				return err
			}
			return n.answers("NOERROR", "www.example")
		})
		d.kill()
	}
	d := n.boot()
	eventually(t, "the daemon answers", func() error { return n.answers("NOERROR", "www.example") })

	// The command yields to a running daemon, and reports so.
	_, err := n.nodedns("resolvconf", "restore", "--config", configFile)
	must(t, err)
	eventually(t, "it is taken back", func() error { return n.pointsHere("options edns0") })

	n.configure("[files]", `resolv_conf_mode = "off"`)
	d.signal(unix.SIGHUP)
	eventually(t, "it is given back", func() error {
		if got := n.read(resolvConf); got != original {
			return fmt.Errorf("resolv.conf is %q, want %q", got, original)
		}
		return nil
	})
}

// A real DHCP client overwrites resolv.conf with the settings of its lease.
func TestResolvConfAgainstDHClient(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq", "dhclient")
	n := newStub(t, "nameserver 10.88.0.253\nsearch old.example\n",
		"--interface=br0", "--dhcp-range=10.88.0.100,10.88.0.150,1h", "--dhcp-leasefile=/var/lib/leases",
		"--dhcp-authoritative", "--no-ping", "--domain=example")
	d := n.boot()
	eventually(t, "resolv.conf points here", func() error { return n.pointsHere("search old.example", "options edns0") })
	startDHClient(n.machine)
	eventually(t, "it does again, with the search list of the lease", func() error {
		return n.pointsHere("search example", "options edns0")
	})
	eventually(t, "the server of the lease is asked", func() error { return n.answers("NOERROR", "www.example") })
	s, err := n.resolvConfStatus()
	must(t, err)
	if s.State != "stub" || s.Overwrites == 0 || s.LastOverwrittenBy == "" {
		t.Errorf("status %+v, want an overwrite", s)
	}
	d.signal(unix.SIGTERM)
	d.exit()
	if text := n.read(resolvConf); !slices.Contains(strings.Split(text, "\n"), "nameserver "+routerV4) {
		t.Errorf("resolv.conf is %q, want that of the lease", text)
	}
}

// startDHClient requests a lease, until the test ends. Its files are where its
// AppArmor profile lets it write, on a machine that enforces that.
func startDHClient(m *machine) {
	m.t.Helper()
	m.write("/etc/fstab", "") // its script reads it
	m.serve(exec.Command("dhclient", "-4", "-d", "-cf", "/dev/null", "-pf", "/run/dhclient.pid", "-lf", "/run/dhclient.leases", "eth0"))
}

// A program that never stops overwriting gets the file in the end, and is
// named.
func TestResolvConfLost(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := newStub(t, "nameserver "+routerV4+"\n")
	d := n.boot()
	eventually(t, "resolv.conf points here", func() error { return n.pointsHere("options edns0") })
	const theirs = "# Generated by NetworkManager\nnameserver " + routerV4 + "\n"
	eventually(t, "it is left to them", func() error {
		if n.pointsHere("options edns0") == nil {
			n.write(resolvConf, theirs)
		}
		s, err := n.resolvConfStatus()
		if err == nil && s.State != "left" {
			err = fmt.Errorf("status %+v", s)
		}
		return err
	})
	s, err := n.status()
	must(t, err)
	if s.State != "degraded" {
		t.Errorf("the state is %s", s.State)
	}
	must(t, d.logged("by=NetworkManager"))
	eventually(t, "the router is still asked", func() error { return n.answers("NOERROR", "www.example") })
	d.signal(unix.SIGHUP)
	eventually(t, "after a reload it is ours again", func() error { return n.pointsHere("options edns0") })
}
