package nodedns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/supervise"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

const theirs = "nameserver 192.0.2.1\nsearch lan.example\n"

// keepsResolvConf is a change of a configuration.
func keepsResolvConf(mode resolvconf.Mode) func(*Config) {
	return func(c *Config) {
		c.ResolvConf = resolvconf.Settings{Path: "/etc/resolv.conf", Mode: mode, RunDir: "/run/nodedns"}
		c.DNS.Upstreams.Servers = []upstream.Server{resolver.Auto}
	}
}

func (f *fixture) writeResolvConf(text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.root, "etc/resolv.conf"), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// leavePointing makes an earlier run one that was killed while resolv.conf
// pointed at it.
func (f *fixture) leavePointing() {
	f.t.Helper()
	cfg := f.config()
	keepsResolvConf(resolvconf.ModeStub)(&cfg)
	kept := cfg.resolvConf()
	kept.Listeners = func() []netip.AddrPort { return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")} }
	kept.Upstreams = func() []upstream.Server { return nil }
	kept.Probe = func(context.Context, netip.AddrPort) error { return nil }
	k, err := resolvconf.New(kept)
	if err != nil {
		f.t.Fatal(err)
	}
	k.Set(resolvconf.ModeStub, false, "")
	f.writeResolvConf(theirs)
	k.Start(f.t.Context())
	if got := f.file("etc/resolv.conf"); !strings.Contains(got, "nameserver 127.0.0.53\n") {
		f.t.Fatalf("resolv.conf is\n%s", got)
	}
}

func TestResolvConfIsReadAndReported(t *testing.T) {
	t.Parallel()
	f := prepare(t, keepsResolvConf(""))
	f.writeResolvConf(theirs)
	f.run()
	<-f.Ready()
	f.eventually("the upstreams", func() bool { return strings.Join(f.Status().Upstreams, " ") == "192.0.2.1" })
	s := f.Status()
	if r := s.ResolvConf; r == nil || r.State != resolvconf.StateOff || r.Mode != resolvconf.ModeOff || r.Source != r.Path || r.Error != "" {
		t.Errorf("status %+v", r)
	}
	f.eventually("the file for containers", func() bool {
		return strings.HasSuffix(f.file("run/nodedns/resolv.conf"), "\n"+theirs)
	})
	f.writeResolvConf("nameserver 192.0.2.2\n")
	f.eventually("the next upstreams", func() bool {
		return strings.HasSuffix(f.file("run/nodedns/resolv.conf"), "\nnameserver 192.0.2.2\n")
	})
	if got := f.file("etc/resolv.conf"); got != "nameserver 192.0.2.2\n" {
		t.Errorf("resolv.conf is\n%s", got)
	}
}

// The port of the tests is not 53, the only one that resolv.conf can name.
func TestAResolvConfThatCannotPointAtUs(t *testing.T) {
	t.Parallel()
	f := prepare(t, keepsResolvConf(resolvconf.ModeStub))
	f.writeResolvConf(theirs)
	f.run()
	<-f.Ready()
	s := f.Status()
	if r := s.ResolvConf; r.State != resolvconf.StateWaiting || r.Mode != resolvconf.ModeStub || !strings.Contains(r.Error, "port 53") {
		t.Errorf("status %+v", r)
	}
	if s.State != StateDegraded || !strings.Contains(strings.Join(s.Errors, "\n"), "port 53") {
		t.Errorf("state %s, errors %q", s.State, s.Errors)
	}
	if got := f.file("etc/resolv.conf"); got != theirs {
		t.Errorf("resolv.conf is\n%s", got)
	}
	if err := f.Reload(keepsResolvConf(resolvconf.ModeOff)); err != nil {
		t.Fatal(err)
	}
	f.eventually("mode off", func() bool { return f.Status().ResolvConf.State == resolvconf.StateOff })
}

func TestResolvConfOfAKilledRun(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	busy := taken.Addr().(*net.TCPAddr).AddrPort()
	for _, c := range []struct {
		name   string
		change func(*Config)
		fails  bool
	}{
		{"a start that cannot bind", func(c *Config) { c.Listen = []netip.AddrPort{busy} }, true},
		{"a start in mode off", func(c *Config) { c.ResolvConf.Mode = resolvconf.ModeOff }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := prepare(t, keepsResolvConf(resolvconf.ModeStub), c.change)
			f.leavePointing()
			f.run()
			if c.fails {
				if err := <-f.ended; err == nil {
					t.Error("the start did not fail")
				}
			} else {
				<-f.Ready()
			}
			if got := f.file("etc/resolv.conf"); got != theirs {
				t.Errorf("resolv.conf is\n%s", got)
			}
		})
	}
}

// What ends before the listeners can still query them.
func TestListenersEndLast(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	var answer string
	f.readers = append(f.readers, &supervise.Task{Name: "last words", Run: func(ctx context.Context) error {
		<-ctx.Done()
		addrs, err := dnsclient.Lookup(context.WithoutCancel(ctx), f.dns.Addrs()[0], "localhost")
		answer = fmt.Sprint(addrs, err)
		return nil
	}})
	f.run()
	<-f.Ready()
	f.stop()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if answer != "[127.0.0.1 ::1] <nil>" {
		t.Errorf("at the end: %s", answer)
	}
}

func TestWrongModesOfResolvConf(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"unknown":        keepsResolvConf("ours"),
		"without a path": func(c *Config) { c.ResolvConf.Mode = resolvconf.ModeStub },
	} {
		cfg := (&fixture{t: t, root: t.TempDir()}).config()
		change(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "mode of resolv.conf") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
