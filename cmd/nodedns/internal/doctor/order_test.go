package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/netlink"
)

// inShort are findings by check, each with those that it may follow from.
func inShort(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s%v ", f.Check, f.After)
	}
	return strings.TrimSpace(b.String())
}

func noAddress(p *patient) {
	p.Status.Addresses = nil
	p.Probes.Absence = func([]string) (netlink.Absence, []string, error) { return netlink.NoneUsable, []string{"eth0"}, nil }
}

// A cause is found before what follows from it, whatever their severities, and
// what follows names it.
func TestCausesComeFirst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		cause func(p *patient)
		want  string
	}{
		{"no address", func(p *patient) {
			noAddress(p)
			p.because(verdict.CuratorLost, "no curator has been reached")
			upstreamIs(p, 0, upstream.Down)
			p.because(verdict.SelfResolution, "self-resolution: 127.0.0.53:53 has no address for it")
		}, "address[] upstreams[address] daemon[address] curator[address]"},
		{"the port is taken, and the daemon does not run", func(p *patient) {
			p.dead(control.ErrNotRunning)
			p.write("proc/net/udp", noSockets+bound("555", "0"))
			p.run("555", "dnsmasq")
			p.symlink("socket:[555]", "proc/555/fd/9")
		}, "port[] daemon[port]"},
		{"the daemon does not run, and resolv.conf names it", func(p *patient) {
			p.dead(control.ErrNotRunning)
		}, "daemon[] resolv-conf[daemon]"},
		{"the configuration is wrong, so that the unit fails, so that nothing runs", func(p *patient) {
			p.dead(control.ErrNotRunning)
			p.ConfigError = fmt.Errorf("x.toml:2: zone.colour: unknown key")
			p.Probes.Unit = func() (machine.Unit, error) {
				return machine.Unit{Loaded: true, Active: "failed", Enabled: "enabled"}, nil
			}
		}, "configuration[] unit[configuration] daemon[configuration unit] resolv-conf[daemon]"},
		{"a listener that failed, before its consequences", func(p *patient) {
			second := netip.MustParseAddrPort("127.0.0.1:53")
			p.Config.Listen = append(p.Config.Listen, second)
			p.write("proc/net/tcp", noSockets+"  0: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0\n")
			p.run("77", "dnsmasq")
			p.symlink("socket:[77]", "proc/77/fd/4")
			p.Status.ResolvConf.State, p.Status.ResolvConf.Error = resolvconf.StateWaiting, "no listener answers"
			p.because(verdict.ListenerFailed, "127.0.0.1:53 is in use")
			p.because(verdict.SelfResolution, "self-resolution: 127.0.0.1:53: timeout")
		}, "port[] resolv-conf[port] daemon[] daemon[port]"},
		{"the credentials, a warning, before a curator that is not reached", func(p *patient) {
			p.because(verdict.CuratorLost, "no curator has been reached")
			p.Now = p.Now.AddDate(-40, 0, 0)
		}, "clock[] curator[clock]"},
		{"another writer, before the resolv.conf that was overwritten", func(p *patient) {
			p.run("400", "NetworkManager")
			p.Status.ResolvConf.Overwrites, p.Status.ResolvConf.State, p.Status.ResolvConf.Error = 10, resolvconf.StateLeft, "overwritten"
		}, "resolv-conf-writers[] resolv-conf[resolv-conf-writers]"},
		{"a full disk, before the file that is not written", func(p *patient) {
			p.Probes.Disk = func(string) (Disk, error) { return Disk{Free: 4096}, nil }
			p.Status.Files[0].Error = "no space left"
		}, "state-dir[] files[state-dir]"},
		{"what is only good to know is no cause", func(p *patient) {
			p.run("400", "NetworkManager")
			p.Status.ResolvConf.State, p.Status.ResolvConf.Error = resolvconf.StateWaiting, "the listener does not answer"
		}, "resolv-conf[] resolv-conf-writers[]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := healthy(t)
			tt.cause(p)
			if got := inShort(Examine(p.Input)); got != tt.want {
				t.Errorf("found %s, want %s", got, tt.want)
			}
		})
	}
}

// The table of causes names checks that there are, and leads in no circle,
// whether the daemon answers or not.
func TestTableOfCauses(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, c := range Checks() {
		ids = append(ids, c.ID)
	}
	for id := range after {
		if !slices.Contains(ids, id) {
			t.Errorf("there is no check %s", id)
		}
	}
	for _, m := range []*Input{{}, {Status: &nodedns.Status{}}} {
		var walk func(id string, path []string)
		walk = func(id string, path []string) {
			if !slices.Contains(ids, id) {
				t.Errorf("there is no check %s", id)
			}
			if slices.Contains(path, id) {
				t.Fatalf("a circle: %v, %s", path, id)
			}
			for _, cause := range m.causes(&Finding{Check: id, Text: selfResolution}) {
				walk(cause, append(slices.Clone(path), id))
			}
		}
		for _, id := range ids {
			walk(id, nil)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		absence   netlink.Absence
		concerned []string
		says      []string
	}{
		{netlink.NoMatch, []string{"eth0"}, []string{"wlan*", "there are eth0", "local.interfaces"}},
		{netlink.NoneUp, nil, []string{"no interface but loopback"}},
		{netlink.NoneUp, []string{"eth0"}, []string{"eth0 is down", "ip link set eth0 up"}},
		{netlink.LeftOut, []string{"docker0", "wg0"}, []string{"docker0, wg0 only", "default route", "local.interfaces"}},
		{netlink.NoneUsable, []string{"eth0"}, []string{"eth0 has none", "DHCP"}},
		{"", nil, []string{"from here there is one", "namespace"}},
	} {
		for _, running := range []bool{true, false} {
			p := healthy(t)
			p.Config.Interfaces = []string{"wlan*"}
			p.Status.Addresses = nil
			p.Probes.Absence = func(patterns []string) (netlink.Absence, []string, error) {
				if !slices.Equal(patterns, p.Config.Interfaces) {
					t.Errorf("looked for %q", patterns)
				}
				return tt.absence, tt.concerned, nil
			}
			whose := "the daemon reports"
			if !running {
				p.dead(control.ErrNotRunning)
				whose = "without the daemon"
			}
			findings := slices.DeleteFunc(Examine(p.Input), func(f Finding) bool { return f.Check != "address" })
			if !running && tt.absence == "" {
				if len(findings) > 0 {
					t.Errorf("found %+v where there is an address", findings)
				}
				continue
			}
			if len(findings) != 1 || findings[0].Severity != Problem {
				t.Fatalf("%s: found %+v", tt.absence, findings)
			}
			for _, text := range append(tt.says, whose) {
				if f := findings[0]; !strings.Contains(f.Text+"; "+f.Fix, text) {
					t.Errorf("%s, running %v: found %+v, want %q in it", tt.absence, running, f, text)
				}
			}
		}
	}
}
