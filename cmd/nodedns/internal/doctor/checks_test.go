package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

func TestHealthyMachine(t *testing.T) {
	t.Parallel()
	for _, f := range Examine(healthy(t).Input) {
		t.Errorf("found on a healthy machine: %+v", f)
	}
}

// ail is one thing that is wrong with a machine, and what is found of it.
type ail struct {
	name     string
	cause    func(p *patient)
	check    string // "": nothing is found
	severity Severity
	says     string // is in what was seen, impact, or the remedy
}

var ails = []ail{
	{"a wrong configuration", func(p *patient) { p.ConfigError = errors.New("x.toml:2: zone.colour: unknown key") }, "configuration", Problem, "zone.colour"},
	{"no identity", func(p *patient) { p.IdentityError = errors.New("node.pub does not exist") }, "configuration", Problem, "nodedns init"},

	{"the daemon starts", func(p *patient) { p.because(verdict.Starting, "starting") }, "daemon", Warning, "starting"},
	{"a reason of its own", func(p *patient) { p.because(verdict.SelfResolution, "self-resolution: timeout") }, "daemon", Problem, "self-resolution"},

	{"the unit has failed", func(p *patient) {
		p.Probes.Unit = func() (machine.Unit, error) {
			return machine.Unit{Loaded: true, Active: "failed", Enabled: "enabled", Result: "exit-code"}, nil
		}
	}, "unit", Problem, "exit-code"},
	{"the unit is not enabled", func(p *patient) {
		p.Probes.Unit = func() (machine.Unit, error) {
			return machine.Unit{Loaded: true, Active: "active", Enabled: "disabled"}, nil
		}
	}, "unit", Warning, "systemctl enable"},
	{"no unit", func(p *patient) { p.Probes.Unit = func() (machine.Unit, error) { return machine.Unit{}, nil } }, "", "", ""},
	{"no systemd", func(p *patient) {
		p.remove("root/run/systemd")
		p.Probes.Unit = func() (machine.Unit, error) { return machine.Unit{Loaded: true, Active: "failed"}, nil }
	}, "", "", ""},

	{"no address", noAddress, "address", Problem, "eth0 has none"},
	{"no address, and the network cannot be looked at", func(p *patient) { p.Status.Addresses = nil }, "address", Problem, "ip route"},
	{"no address yet", func(p *patient) {
		noAddress(p)
		p.because(verdict.Starting, "the daemon is starting")
		p.Status.State = nodedns.StateStarting
	}, "daemon", Warning, "starting"},
	{"an address by the configuration", func(p *patient) {
		noAddress(p)
		p.Config.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	}, "", "", ""},

	{"a curator of a first contact", func(p *patient) {
		p.Status.Curator.Accepted = &curator.Acceptance{ID: peer, Endpoint: "192.0.2.11:7835", Why: curator.FirstContact}
	}, "control-plane", Note, `"192.0.2.11:7835#` + peer + `"`},
	{"a curator of a recovery", func(p *patient) {
		p.Status.Curator.Accepted = &curator.Acceptance{ID: peer, Endpoint: "192.0.2.11:7835", Why: curator.Recovery}
	}, "control-plane", Warning, "recover_after"},
	{"a node that is ignored", func(p *patient) {
		p.Status.Curator.Refusals = []curator.Refusal{{ID: peer, Text: "node " + peer + " answers there", At: p.Now}}
	}, "control-plane", Warning, peer},
	{"a node that was ignored an hour ago", func(p *patient) {
		p.Status.Curator.Refusals = []curator.Refusal{{ID: peer, Text: "answers there", At: p.Now.Add(-time.Hour)}}
	}, "", "", ""},

	{"a second listener that somebody has", func(p *patient) {
		p.Config.Listen = append(p.Config.Listen, netip.MustParseAddrPort("127.0.0.1:53"))
		p.write("proc/net/tcp", noSockets+"  0: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0\n")
		p.run("77", "dnsmasq")
		p.symlink("socket:[77]", "proc/77/fd/4")
	}, "port", Problem, "dnsmasq (pid 77) has 127.0.0.1:53 (tcp)"},

	{"systemd-resolved", func(p *patient) { p.run("300", "systemd-resolve") }, "systemd-resolved", Note, "D-Bus"},
	{"systemd-resolved is asked by nss-resolve", func(p *patient) {
		p.run("300", "systemd-resolve")
		p.write("root/etc/nsswitch.conf", "hosts: resolve [!UNAVAIL=return] files dns\n")
	}, "systemd-resolved", Warning, "has resolve"},
	{"systemd-resolved is asked by resolv.conf", func(p *patient) {
		p.run("300", "systemd-resolve")
		p.Status.Listeners = testkit.AddrPorts("127.0.0.1:53")
		p.Config.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
		p.write("root/run/systemd/resolve/stub-resolv.conf", "nameserver 127.0.0.53\n")
		p.symlink("../run/systemd/resolve/stub-resolv.conf", "root/etc/resolv.conf")
	}, "systemd-resolved", Warning, "resolv.conf names it"},

	{"nsswitch.conf that glibc refuses", nsswitchIs("hosts: files [BAD=return] dns"), "nsswitch", Problem, "line 1"},
	{"files only", nsswitchIs("hosts: files"), "nsswitch", Problem, "neither dns nor resolve"},
	{"no files", nsswitchIs("hosts: dns"), "nsswitch", Warning, "without files"},
	{"two hosts lines", nsswitchIs("hosts: files\nhosts: files dns"), "nsswitch", Note, "line 2 counts"},
	{"files end the search", nsswitchIs("hosts: files [NOTFOUND=return] dns"), "nsswitch", Problem, "not in the hosts file"},
	{"a service ends the search", nsswitchIs("hosts: wins [NOTFOUND=return] files dns"), "nsswitch", Problem, "wins"},
	{"a service behind ends it", nsswitchIs("hosts: files dns wins [NOTFOUND=return] nis"), "", "", ""},
	{"myhostname first", nsswitchIs("hosts: myhostname files dns"), "nsswitch", Warning, "myhostname"},
	{"myhostname last", nsswitchIs("hosts: files dns myhostname"), "", "", ""},
	{"mdns, which ends the search for its own names only", nsswitchIs("hosts: files mdns4_minimal [NOTFOUND=return] dns"), "", "", ""},
	{"mdns, whose names are ours too", func(p *patient) {
		nsswitchIs("hosts: files mdns4_minimal [NOTFOUND=return] dns")(p)
		p.Config.DNS.Domains = []string{"nodes.local"}
	}, "nsswitch", Problem, "mdns4_minimal"},
	{"Debian with libnss-resolve", nsswitchIs("hosts: resolve [!UNAVAIL=return] files dns"), "", "", ""},
	{"musl", func(p *patient) { p.remove("root/etc/nsswitch.conf") }, "", "", ""},

	{"another server in resolv.conf", func(p *patient) { p.write("root/etc/resolv.conf", "nameserver 192.0.2.53\n") }, "resolv-conf", Warning, "192.0.2.53"},
	{"another one behind us", func(p *patient) { p.write("root/etc/resolv.conf", "nameserver 127.0.0.53\nnameserver 192.0.2.53\n") }, "resolv-conf", Warning, "alone"},
	{"programs come by varlink", func(p *patient) {
		p.write("root/etc/resolv.conf", "nameserver 192.0.2.53\n")
		nsswitchIs("hosts: resolve files dns")(p)
		p.Config.VarlinkSocket = "/run/systemd/resolve/io.systemd.Resolve"
		p.write("root/usr/lib/x86_64-linux-gnu/libnss_resolve.so.2", "")
	}, "", "", ""},
	{"varlink without the library for it", func(p *patient) {
		nsswitchIs("hosts: resolve files dns")(p)
		p.Config.VarlinkSocket = "/run/systemd/resolve/io.systemd.Resolve"
	}, "nsswitch", Warning, "libnss-resolve"},
	{"resolv.conf names a systemd-resolved that is gone", func(p *patient) {
		p.Status.Listeners = testkit.AddrPorts("127.0.0.1:53")
		p.Config.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}
	}, "resolv-conf", Warning, "127.0.0.53, and not nodedns"},
	{"resolv.conf was left", func(p *patient) {
		p.Status.ResolvConf.State, p.Status.ResolvConf.LastOverwrittenBy, p.Status.ResolvConf.Error = resolvconf.StateLeft, "dhclient", "resolv.conf was overwritten 10 times"
		p.because(verdict.ResolvConf, p.Status.ResolvConf.Error)
	}, "resolv-conf", Problem, "dhclient"},

	{"a search domain below local", func(p *patient) {
		p.Status.UpstreamStatus[0].Routes, p.Status.UpstreamStatus[0].Searched = []string{"corp.local"}, []string{"corp.local"}
	}, "search-list", Note, "192.0.2.53"},
	{"NetworkManager", func(p *patient) { p.run("400", "NetworkManager") }, "resolv-conf-writers", Note, "rc-manager"},
	{"NetworkManager, which fights", func(p *patient) { p.run("400", "NetworkManager"); p.Status.ResolvConf.Overwrites = 3 }, "resolv-conf-writers", Warning, "overwritten 3 times"},
	{"NetworkManager, kept from it", func(p *patient) {
		p.run("400", "NetworkManager")
		p.write("root/etc/NetworkManager/NetworkManager.conf", "[main]\ndns=default\n")
		p.write("root/etc/NetworkManager/conf.d/nodedns.conf", "[main]\nrc-manager = unmanaged\n")
	}, "", "", ""},
	{"dhclient", func(p *patient) { p.run("400", "dhclient") }, "resolv-conf-writers", Note, "make_resolv_conf"},
	{"dhclient, and the mode is off", func(p *patient) {
		p.run("400", "dhclient")
		p.Config.ResolvConf.Mode = resolvconf.ModeOff
	}, "", "", ""},
	{"resolvconf", func(p *patient) {
		p.write("root/run/resolvconf/resolv.conf", "nameserver 127.0.0.53\n")
		p.symlink("../run/resolvconf/resolv.conf", "root/etc/resolv.conf")
	}, "resolv-conf-writers", Note, "resolvconf(8)"},

	{"a container that names our loopback", func(p *patient) { p.contain("900", "nginx", "nameserver 127.0.0.53\n", "eth0") }, "containers", Problem, "nginx (pid 900) names 127.0.0.53"},
	{"a container with a server that it reaches", func(p *patient) { p.contain("900", "nginx", "nameserver 192.0.2.53\n", "eth0") }, "", "", ""},
	{"Docker's own server", func(p *patient) { p.contain("900", "nginx", "nameserver 127.0.0.11\n", "eth0") }, "", "", ""},
	{"a service without a network", func(p *patient) { p.contain("900", "localed", "nameserver 127.0.0.53\n", "") }, "", "", ""},
	{"a container with its own nodedns", func(p *patient) {
		p.contain("900", "nginx", "nameserver 127.0.0.53\n", "eth0")
		p.write("proc/900/net/udp", noSockets+bound("2002", "0"))
	}, "", "", ""},
	{"a container whose file leads out of it", func(p *patient) {
		p.contain("900", "nginx", "", "eth0")
		p.symlink("/etc/../../../root/etc/resolv.conf", "proc/900/root/etc/resolv.conf")
	}, "", "", ""},

	{"the kubelet", func(p *patient) { p.run("950", "kubelet", "kubelet", "--config", "x") }, "kubelet", Problem, "/etc/resolv.conf"},
	{"the kubelet with our file", func(p *patient) {
		p.write("root/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\nresolvConf: \"/run/nodedns/resolv.conf\"\n")
		p.write("root/run/nodedns/resolv.conf", "nameserver 192.0.2.53\n")
	}, "", "", ""},
	{"the kubelet by its flag", func(p *patient) {
		p.write("root/etc/other.conf", "nameserver 127.0.0.53\n")
		p.run("950", "kubelet", "kubelet", "--resolv-conf=/etc/other.conf")
	}, "kubelet", Problem, "/etc/other.conf"},

	{"Docker", func(p *patient) { p.write("root/etc/docker/daemon.json", `{"dns": ["127.0.0.53"]}`) }, "docker", Problem, "daemon.json"},
	{"Docker with a server", func(p *patient) { p.write("root/etc/docker/daemon.json", `{"dns": ["192.0.2.53"]}`) }, "", "", ""},

	{"cloud-init writes the hosts file", func(p *patient) {
		p.write("root/etc/cloud/cloud.cfg", "preserve_hostname: false\nmanage_etc_hosts: false\n")
		p.write("root/etc/cloud/cloud.cfg.d/10.cfg", "preserve_hostname: true # ours\nmanage_etc_hosts: localhost\n")
	}, "cloud-init", Warning, "127.0.1.1"},
	{"cloud-init sets the hostname", func(p *patient) { p.write("root/etc/cloud/cloud.cfg", "preserve_hostname: false\n") }, "cloud-init", Warning, "preserve_hostname: true"},
	{"cloud-init is disabled", func(p *patient) {
		p.write("root/etc/cloud/cloud.cfg", "preserve_hostname: false\n")
		p.write("root/etc/cloud/cloud-init.disabled", "")
	}, "", "", ""},

	{"the line of Debian's installer", hostsHave("127.0.1.1 " + strings.ToUpper(self)), "hosts-lines", Warning, "loopback"},
	{"another line for our name", hostsHave("192.0.2.77 alias " + self), "hosts-lines", Warning, "192.0.2.77"},
	{"the line of Debian's installer, for a readable name", func(p *patient) {
		p.write("root/etc/hosts", "127.0.1.1 Web-1\n# BEGIN nodedns\n192.0.2.1 web-1 "+self+"\n192.0.2.2 web-2 "+peer+"\n# END nodedns\n")
	}, "hosts-lines", Warning, "line 1, 127.0.1.1 Web-1"},
	{"a line for a peer", hostsHave("192.0.2.77 " + peer), "hosts-lines", Warning, "did not write"},
	{"a comment about one", hostsHave("# 192.0.2.77 " + peer), "", "", ""},
	{"::1 without IPv6", func(p *patient) {
		hostsHave("::1 ip6-localhost LOCALHOST")(p)
		p.write("proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n")
	}, "hosts-lines", Note, "line 2, ::1"},
	{"::1 with IPv6", hostsHave("::1 localhost"), "", "", ""},
	{"lines that do not count", func(p *patient) {
		p.Status.HostsLines = resolver.HostsSummary{Ignored: 2, Problems: []string{"line 4: no address"}}
	}, "hosts-lines", Note, "line 4"},

	{"multi off", func(p *patient) { p.write("root/etc/host.conf", "# multi on\nmulti off\n") }, "host-conf", Warning, "multi on"},
	{"multi off, and one address", func(p *patient) { p.remove("root/etc/host.conf"); p.Status.Addresses = p.Status.Addresses[:1] }, "", "", ""},

	{"nscd", func(p *patient) { p.run("420", "nscd") }, "nscd", Warning, "enable-cache"},
	{"nscd without hosts", func(p *patient) { p.run("420", "nscd"); p.write("root/etc/nscd.conf", "\tenable-cache\t\thosts\tno\n") }, "", "", ""},

	{"a file that cannot be written", func(p *patient) {
		p.Status.Files[0].Error = "write /etc/hosts: input/output error"
		p.because(verdict.FileNotWritten, p.Status.Files[0].Error)
	}, "files", Problem, "input/output error"},
	{"a read-only file", func(p *patient) {
		hosts := p.Config.Rooted("/etc/hosts")
		p.Probes.Disk = func(path string) (Disk, error) { return Disk{ReadOnly: path == hosts, Free: 1 << 30}, nil }
	}, "files", Warning, "read-only"},
	{"an immutable file", func(p *patient) {
		p.Probes.Immutable = func(path string) bool { return strings.HasSuffix(path, "/etc/hosts") }
	}, "files", Warning, "chattr -i"},
	{"a mounted file that cannot be written", func(p *patient) {
		hosts := p.Config.Rooted("/etc/hosts")
		p.write("proc/self/mountinfo", "40 22 0:20 /h "+hosts+" ro - ext4 /dev/vda1 ro\n")
		p.Probes.Disk = func(path string) (Disk, error) { return Disk{ReadOnly: path == hosts, Free: 1 << 30}, nil }
		p.Status.Files[0].Error = "write /etc/hosts: read-only file system"
	}, "files", Problem, "is on a read-only file system"},
	{"a mounted file", func(p *patient) {
		p.write("proc/self/mountinfo", "40 22 0:20 /h "+p.Config.Rooted("/etc/hosts")+" rw - ext4 /dev/vda1 rw\n")
	}, "files", Note, "in place"},

	{"a machine-id with dashes", machineIDIs("01234567-89ab-cdef-0123-456789abcdef\n"), "machine-id", Warning, "01234567-89ab"},
	{"one of zeros", machineIDIs("00000000000000000000000000000000\n"), "machine-id", Warning, "32 hex digits"},
	{"one that is a node's name", machineIDIs(self), "machine-id", Warning, self},
	{"one that is not set", machineIDIs("uninitialized\n"), "machine-id", Warning, "uninitialized"},
	{"none", func(p *patient) { p.remove("root/etc/machine-id") }, "machine-id", Warning, "does not exist"},
	{"one that nodedns leaves alone", func(p *patient) {
		p.Config.Files.MachineID = ""
		machineIDIs("x\n")(p)
	}, "machine-id", Warning, "systemd-machine-id-setup"},
	{"a node's name by the configuration", func(p *patient) {
		p.Config.Files.MachineIDFormat = hostsfile.MachineIDNode
		machineIDIs(self)(p)
	}, "machine-id", Warning, `machine_id_format = "hex"`},
	{"a node's name without systemd", func(p *patient) {
		machineIDIs(self)(p)
		p.remove("root/run/systemd")
	}, "", "", ""},
	{"an image whose machine-id is to be set", func(p *patient) {
		machineIDIs("uninitialized\n")(p)
		p.remove("root/run/systemd")
		p.write("root/usr/lib/systemd/system/empty", "")
	}, "", "", ""},

	{"a full disk", func(p *patient) { p.Probes.Disk = func(string) (Disk, error) { return Disk{Free: 4096}, nil } }, "state-dir", Warning, "4 kB"},
	{"a state directory that cannot be written", func(p *patient) {
		p.Probes.Disk = func(path string) (Disk, error) {
			return Disk{ReadOnly: path == p.Config.StateDir, Free: 1 << 30}, nil
		}
	}, "state-dir", Problem, "state.dir"},

	{"IPv6 off and not needed", func(p *patient) { p.write("proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n") }, "", "", ""},
	{"IPv6 off and listened on", func(p *patient) {
		p.Config.Listen = append(p.Config.Listen, netip.MustParseAddrPort("[::1]:53"))
		p.write("proc/sys/net/ipv6/conf/lo/disable_ipv6", "1\n")
	}, "ipv6", Problem, "conf.lo.disable_ipv6"},
	{"::1 missing", func(p *patient) {
		p.Config.Listen = append(p.Config.Listen, netip.MustParseAddrPort("[::1]:53"))
		p.write("proc/net/if_inet6", "fe800000000000000000000000000001 02 40 20 80     eth0\n")
	}, "ipv6", Problem, "::1 is missing"},
	{"no IPv6, and an address", func(p *patient) {
		p.Config.Addresses = []netip.Addr{netip.MustParseAddr("2001:db8::1")}
		p.remove("proc/sys/net/ipv6")
	}, "ipv6", Warning, "the kernel has no IPv6"},

	{"a cloned key", func(p *patient) {
		p.because(verdict.IdentityConflict, "another machine has this node's key, since now")
	}, "key", Problem, "fix identity-conflict"},
	{"a key that others can read", func(p *patient) { p.writeKey("node.key", 0o640) }, "key-permissions", Warning, "0640"},

	{"a clock at its beginning", func(p *patient) { p.Now = time.Unix(0, 0) }, "clock", Problem, "1970-01-01"},
	{"a clock that nobody keeps", func(p *patient) { p.Probes.Synchronized = func() (bool, error) { return false, nil } }, "clock", Note, "time service"},

	{"refused by the cluster", func(p *patient) {
		p.Status.Curator.State = curator.StateRefused
		p.because(verdict.Refused, "a curator refuses this node")
	}, "curator", Problem, "fix refused"},
	{"removed from the cluster", func(p *patient) {
		p.Status.Curator.State = curator.StateRemoved
		p.because(verdict.Removed, "this node was removed")
	}, "curator", Problem, "drop this one's name"},
	{"one that may not speak", func(p *patient) { p.because(verdict.Unauthorized, "only curators that may not") }, "curator", Problem, "fix unauthorized"},
	{"credentials that only the daemon cannot read", func(p *patient) {
		p.Config.Credentials = filepath.Join(p.dir, "credentials")
		p.because(verdict.BadCredentials, "certificate of another CA")
	}, "curator", Problem, "another CA"},
	{"credentials that the daemon waits for", func(p *patient) { p.because(verdict.AwaitingCredentials, "not enrolled") }, "curator", Warning, "not enrolled"},
	{"the cluster out of reach for a moment", func(p *patient) { p.Status.Curator.State = curator.StateBackingOff }, "", "", ""},
	{"the cluster lost", func(p *patient) {
		p.Status.Curator.State = curator.StateBackingOff
		p.because(verdict.CuratorLost, "no curator has been reached")
	}, "curator", Warning, "2026-03-01T11"},
	{"the cluster never found", func(p *patient) {
		p.Status.Curator.State, p.Status.Curator.DataSince, p.Status.Ready = curator.StateBackingOff, nil, false
		p.because(verdict.CuratorLost, "no curator has been reached")
	}, "curator", Problem, "SERVFAIL"},
	{"the first backlog", func(p *patient) { p.because(verdict.ZoneNotReady, "not known yet") }, "curator", Warning, "not known yet"},

	{"quarantined nodes", func(p *patient) { p.Status.Nodes.Quarantined = 3 }, "zone", Warning, "3 entries"},
	{"an entry refused", func(p *patient) {
		p.Status.Nodes.Quarantined, p.Status.Refused = 1, []zone.Refusal{{ID: "node7", Reason: "it is odd"}}
	}, "zone", Warning, `"node7", since it is odd`},
	{"contested addresses", func(p *patient) { p.Status.Contested = []string{"192.0.2.2: a, b"} }, "zone", Warning, "192.0.2.2"},
	{"contested names", func(p *patient) { p.Status.ContestedNames = []string{"web-2: a and b; none has it"} }, "zone", Warning, "web-2: a and b"},

	{"no upstream left", func(p *patient) { upstreamIs(p, 0, upstream.Down) }, "upstreams", Problem, "no server"},
	{"an upstream down", func(p *patient) {
		p.Status.UpstreamStatus = append(p.Status.UpstreamStatus, upstream.Status{Server: "192.0.2.54", General: true})
		upstreamIs(p, 1, upstream.Down)
	}, "upstreams", Warning, "192.0.2.54"},
	{"a loop", func(p *patient) {
		p.Status.UpstreamStatus = append(p.Status.UpstreamStatus, upstream.Status{Server: "192.0.2.54"})
		upstreamIs(p, 1, upstream.Looping)
	}, "upstreams", Warning, "other's upstreams"},
	{"no upstream", func(p *patient) { p.Status.Upstreams, p.Status.UpstreamStatus = nil, nil }, "upstreams", Warning, "refused"},

	{"lost queries", func(p *patient) { p.write("proc/net/udp", noSockets+bound("1001", "17")) }, "receive-drops", Warning, "17 queries"},
	{"few descriptors", func(p *patient) {
		p.write("proc/512/limits", "Max open files            256                  256                  files\n")
	}, "descriptors", Warning, "256"},
}

func nsswitchIs(text string) func(*patient) {
	return func(p *patient) { p.write("root/etc/nsswitch.conf", text+"\n") }
}

func machineIDIs(text string) func(*patient) {
	return func(p *patient) { p.write("root/etc/machine-id", text) }
}

func hostsHave(line string) func(*patient) {
	return func(p *patient) {
		p.write("root/etc/hosts", "127.0.0.1 localhost\n"+line+"\n# BEGIN nodedns\n192.0.2.1 "+self+"\n# END nodedns\n")
	}
}

func upstreamIs(p *patient, i int, state upstream.State) {
	u := &p.Status.UpstreamStatus[i]
	u.State, u.Reason = state, "no answer in time"
	p.because(verdict.UpstreamDown, fmt.Sprintf("upstream %s does not answer: %s", u.Server, u.Reason))
}

// What is wrong is found by its check, and by no other.
func TestChecks(t *testing.T) {
	t.Parallel()
	for _, tt := range ails {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := healthy(t)
			tt.cause(p)
			findings := slices.DeleteFunc(Examine(p.Input), func(f Finding) bool { return f.Check == unseen })
			if tt.check == "" {
				if len(findings) > 0 {
					t.Errorf("found %+v, want nothing", findings)
				}
				return
			}
			if len(findings) != 1 {
				t.Fatalf("found %+v, want one finding of %s", findings, tt.check)
			}
			f := findings[0]
			all := strings.Join([]string{f.Text, f.Impact, f.Fix}, "; ")
			if f.Check != tt.check || f.Severity != tt.severity || !strings.Contains(all, tt.says) {
				t.Errorf("found %+v, want a %s of %s with %q", f, tt.severity, tt.check, tt.says)
			}
		})
	}
}

// Each reason of the daemon's verdict is found once, with the daemon's
// description of it, where the check on its subject has seen nothing itself.
func TestEachReasonIsFound(t *testing.T) {
	t.Parallel()
	for _, r := range verdict.Reasons() {
		p := healthy(t)
		p.because(r.Code, "this is broken")
		findings := Examine(p.Input)
		check := cmp.Or(subjects[r.Code], "daemon")
		if len(findings) != 1 || findings[0].Check != check || findings[0].Text != "this is broken" || findings[0].Fix != "fix "+r.Code {
			t.Errorf("%s: found %+v, want it by %s", r.Code, findings, check)
		}
	}
}

// Each check has a test in which it finds something.
func TestEachCheckIsTested(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]bool{"credentials": true}
	for _, c := range Checks() {
		found := elsewhere[c.ID]
		for _, tt := range ails {
			found = found || tt.check == c.ID
		}
		if !found {
			t.Errorf("nothing is wrong in any test that %s finds", c.ID)
		}
	}
}

// With the daemon dead, what is found still leads to the cause.
func TestDeadDaemon(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.dead(control.ErrNotRunning)
	got := map[string]Severity{}
	for _, f := range Examine(p.Input) {
		got[f.Check] = f.Severity
	}
	if len(got) != 2 || got["daemon"] != Problem || got["resolv-conf"] != Problem {
		t.Errorf("found %v, want that nobody answers, and that resolv.conf names nobody", got)
	}
	p.write("proc/net/udp", noSockets+bound("555", "0"))
	p.run("555", "systemd-resolve")
	p.symlink("socket:[555]", "proc/555/fd/9")
	for _, f := range Examine(p.Input) {
		got[f.Check] = f.Severity
	}
	if got["port"] != Problem {
		t.Errorf("found %v, want who has the port", got)
	}
}

func TestWorstFirst(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.run("300", "systemd-resolve")
	p.write("root/etc/host.conf", "")
	p.Now = time.Unix(0, 0)
	var got []Severity
	for _, f := range Examine(p.Input) {
		got = append(got, f.Severity)
	}
	if fmt.Sprint(got) != "[problem warning note]" {
		t.Errorf("found %v", got)
	}
}

// One file in trouble hides no other, and no server for all names that of a route.
func TestFindingsHideNoReason(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.Status.Files[0].Error = "write " + p.Status.Files[0].Path + ": no space"
	p.because(verdict.FileNotWritten, p.Status.Files[0].Error)
	p.because(verdict.FileNotWritten, "write curators.json: read-only")
	p.Status.Upstreams, p.Status.UpstreamStatus = nil, []upstream.Status{{
		Server: "192.0.2.7", Routes: []string{"corp.example."}, State: upstream.Down, Reason: "timeout",
	}}
	p.because(verdict.UpstreamDown, "upstream 192.0.2.7 does not answer: timeout")
	findings := Examine(p.Input)
	for _, text := range []string{"no space", "curators.json", "192.0.2.7"} {
		n := 0
		for _, f := range findings {
			n += strings.Count(f.Text, text)
		}
		if n != 1 {
			t.Errorf("%d findings on %q, want one: %+v", n, text, findings)
		}
	}
}
