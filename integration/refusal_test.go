package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user without any rights.
var nobody = &syscall.Credential{Uid: 65534, Gid: 65534}

// What keeps the daemon from starting is reported with its place and a remedy.
func TestRefusedStart(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, test := range []struct {
		name    string
		prepare func(n *node)
		code    int
		says    []string
	}{
		{
			"an unknown key",
			func(n *node) { n.configure("[zone]", `colour = "blue"`) },
			2,
			[]string{configFile + ":2", "zone.colour"},
		},
		{
			"a value of the wrong type",
			func(n *node) { n.configure("", "[zone]", "ttl = true") },
			2,
			[]string{configFile + ":3", "zone.ttl"},
		},
		{
			"a value out of range",
			func(n *node) { n.configure("[dns]", `listen = ["127.0.0.53"]`) },
			2,
			[]string{configFile + ":2", "dns.listen", "127.0.0.53"},
		},
		{
			"two mistakes",
			func(n *node) { n.configure("[zone]", `ttl = "soon"`, "[files]", `hosts_mode = "all"`) },
			2,
			[]string{configFile + ":2: zone.ttl", configFile + ":4: files.hosts_mode"},
		},
		{
			"plain text to another machine",
			func(n *node) { n.configure("[curator]", `endpoints = ["10.88.0.9:7835"]`, "insecure = true") },
			2,
			[]string{configFile, "curator.insecure"},
		},
		{
			"no TOML",
			func(n *node) { n.configure("[zone", "ttl = 1") },
			2,
			[]string{configFile + ":1"},
		},
		{
			"no identity",
			func(n *node) {
				n.configure()
				must(n.t, os.Remove(n.path(publicKeyFile)))
			},
			2,
			[]string{publicKeyFile, "nodedns init"},
		},
		{
			"an identity that is none",
			func(n *node) {
				n.configure()
				n.write(publicKeyFile, "hello\n")
			},
			2,
			[]string{publicKeyFile},
		},
		{
			"no configuration",
			func(*node) {},
			2,
			[]string{configFile},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(newLAN(t), "node")
			test.prepare(n)
			message, code := n.refuses("run")
			if code != test.code {
				t.Errorf("the exit status is %d, want %d", code, test.code)
			}
			for _, text := range test.says {
				if !strings.Contains(message, text) {
					t.Errorf("the message lacks %q: %s", text, message)
				}
			}
			if got := n.read("/etc/hosts"); got != userHosts {
				t.Errorf("the hosts file was touched: %q", got)
			}
		})
	}
}

// A port that is taken: by whom, and what to do about it.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	startDNSMasq(n.machine, "127.0.0.53")
	message, code := n.refuses("run")
	if code != 1 {
		t.Errorf("the exit status is %d, want 1", code)
	}
	for _, text := range []string{"127.0.0.53:53", "dnsmasq", "dns.listen"} {
		if !strings.Contains(message, text) {
			t.Errorf("the message lacks %q: %s", text, message)
		}
	}
	if got := n.read("/etc/hosts"); got != userHosts {
		t.Errorf("the hosts file was touched: %q", got)
	}
}

// Without rights everything that can go on goes on, and the rest is reported.
func TestWithoutRights(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream, "[dns]", `listen = ["127.0.0.53:5353"]`)
	n.run("chown", "-R", "nobody", "/var/lib/nodedns")
	n.run("install", "-d", "-o", "nobody", "/run/nodedns")
	n.letIn()
	d := n.startDaemonAs(nobody)
	ask := func() error {
		r, err := n.dig("-p", "5353", n.id)
		if err == nil {
			err = r.expectAnswer(n.v4().String())
		}
		return err
	}
	eventually(t, "DNS answers", ask)
	eventually(t, "what fails is told", func() error {
		s, err := n.status()
		if err != nil {
			return err
		}
		failed := make(map[string]string)
		for _, f := range s.Files {
			failed[f.Path] = f.Error
		}
		for _, path := range []string{"/etc/hosts", "/etc/machine-id"} {
			if failed[path] == "" {
				return fmt.Errorf("%s has no error: %+v", path, s)
			}
		}
		if s.State != "degraded" {
			return fmt.Errorf("the state is %q", s.State)
		}
		return d.logged("CAP_SYS_ADMIN")
	})
	must(t, ask())
	must(t, d.running())
}

// An ordinary user cannot bind port 53 either: which capability is missing?
func TestForbiddenPort(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	n.letIn()
	d := n.startDaemonAs(nobody)
	if code := d.exit(); code != 1 {
		t.Errorf("the exit status is %d, want 1", code)
	}
	for _, text := range []string{"127.0.0.53:53", "CAP_NET_BIND_SERVICE"} {
		must(t, d.logged(text))
	}
}

// letIn opens the directories that go test keeps for its own user.
func (m *machine) letIn() {
	m.t.Helper()
	for dir := m.dir; dir != os.TempDir(); dir = filepath.Dir(dir) {
		must(m.t, os.Chmod(dir, 0o755))
	}
}

// "nodedns check" judges a configuration without starting anything.
func TestCheck(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure("[zone]", `ttl = "1m"`)
	if out, err := n.nodedns("check", "--config", configFile); err != nil {
		t.Errorf("a good configuration: %v: %s", err, out)
	}
	n.configure("[zone]", `tll = "1m"`)
	message, code := n.refuses("check")
	if code != 2 || !strings.Contains(message, configFile+":2: zone.tll") {
		t.Errorf("a bad configuration: exit status %d: %s", code, message)
	}
}
