package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// leavePointing makes the machine one whose daemon was killed while resolv.conf
// pointed at it.
func (m *testMachine) leavePointing(original string) {
	m.t.Helper()
	m.write("root/etc/resolv.conf", original)
	keeper, err := resolvconf.New(resolvconf.Config{
		Settings:  resolvconf.Settings{Path: "/etc/resolv.conf", RunDir: runDir},
		Root:      m.path("root"),
		StateDir:  m.path("state"),
		Listeners: func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")} },
		Upstreams: func() []upstream.Server { return nil },
		Probe:     func(context.Context, netip.AddrPort) error { return nil },
	})
	if err != nil {
		m.t.Fatal(err)
	}
	keeper.Set(resolvconf.ModeStub, false, "")
	keeper.Start(m.t.Context())
	if s := keeper.Status(); s.State != resolvconf.StateStub {
		m.t.Fatalf("resolv.conf: %+v", s)
	}
}

func TestResolvConfRestore(t *testing.T) {
	t.Parallel()
	const original = "nameserver 192.0.2.1\n"
	for name, command := range map[string][]string{
		"resolvconf restore": {"resolvconf", "restore"},
		"restore":            {"restore"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.leavePointing(original)
			run := func(args ...string) outcome { return m.command(command[0], append(command[1:], args...)...) }
			run().expect(t, exitOK, filepath.Join(m.dir, "root/etc/resolv.conf")+"  original put back", "")
			if got := m.read("root/etc/resolv.conf"); got != original {
				t.Errorf("resolv.conf is\n%s", got)
			}
			run().expect(t, exitOK, "nothing to put back", "")
			run("--json").expect(t, exitOK, "[]\n", "")
		})
	}
}

// A configuration that is wrong keeps the daemon from starting, and must not
// hide where it has kept things.
func TestResolvConfRestoreWithAWrongConfiguration(t *testing.T) {
	t.Parallel()
	const original = "nameserver 192.0.2.1\n"
	for name, c := range map[string]struct {
		lines   string
		options []string
	}{
		"another key": {"zone.colour = 1\nzone.ttl = 7\n", nil},
		"keys that do not go together": {
			"files.resolv_conf_mode = \"stub\"\n", nil, // on no port 53
		},
		"the state directory, which a flag names": {"state.colour = \n", []string{"--state.dir", "DIR/state", "--files.root", "DIR/root"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.leavePointing(original)
			m.configure(c.lines)
			args := []string{"restore"}
			for _, option := range c.options {
				args = append(args, strings.ReplaceAll(option, "DIR", m.dir))
			}
			m.command("resolvconf", args...).expect(t, exitOK, "original put back", "going on with the state directory "+m.path("state"))
			if got := m.read("root/etc/resolv.conf"); got != original {
				t.Errorf("resolv.conf is\n%s", got)
			}
		})
	}
}

// What could not be put back is not nothing.
func TestResolvConfRestoreFails(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.leavePointing("nameserver 192.0.2.1\n")
	if err := os.Remove(m.path("root/etc/resolv.conf")); err != nil {
		t.Fatal(err)
	}
	m.write("root/etc/resolv.conf/in-the-way", "")
	got := m.command("resolvconf", "restore")
	got.expect(t, exitFailed, "", "regular file")
	if strings.Contains(got.stdout, "nothing") {
		t.Errorf("it says\n%s", got.stdout)
	}
}

// Where the daemon cannot start, nothing points at it.
func TestAFailedStartGivesResolvConfBack(t *testing.T) {
	t.Parallel()
	const original = "nameserver 192.0.2.1\n"
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	for _, key := range []string{"dns.listen", "metrics.listen"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.leavePointing(original)
			m.command("run", "--"+key, socket.Addr().String()).expect(t, exitFailed, "", "address already in use")
			if got := m.read("root/etc/resolv.conf"); got != original {
				t.Errorf("resolv.conf is\n%s", got)
			}
		})
	}
}
