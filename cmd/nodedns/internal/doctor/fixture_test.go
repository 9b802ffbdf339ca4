package doctor

import (
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

const (
	self = "metropolis-000102030405060708090a0b0c0d0e0f"
	peer = "metropolis-ffffffffffffffffffffffffffffffff"
)

// noSockets is a table of the kernel in which nothing is bound.
const noSockets = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"

// bound is the line of a UDP socket on 127.0.0.53:53, of user 0, that has lost
// some messages.
func bound(inode, drops string) string {
	return "  1: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 " + inode + " 2 0000000000000000 " + drops + "\n"
}

// patient is a made-up machine.
type patient struct {
	*Input
	t   *testing.T
	dir string
}

// healthy is a machine with nothing wrong: the daemon runs, keeps its files,
// and is queried by all programs.
func healthy(t *testing.T) *patient {
	t.Helper()
	dir := t.TempDir()
	p := &patient{t: t, dir: dir, Input: &Input{
		Machine: machine.Machine{Root: filepath.Join(dir, "root"), Proc: filepath.Join(dir, "proc")},
		ID:      self, Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Probes: Probes{
			Disk:         func(string) (Disk, error) { return Disk{Free: 1 << 30}, nil },
			Immutable:    func(string) bool { return false },
			Synchronized: func() (bool, error) { return true, nil },
			Unit: func() (machine.Unit, error) {
				return machine.Unit{Loaded: true, Active: "active", Enabled: "enabled"}, nil
			},
		},
	}}
	prefix := zone.DefaultPrefix
	p.Config.KeyFile, p.Config.Prefix = filepath.Join(dir, "node.pub"), &prefix
	p.Config.Files = nodedns.Files{
		Root: p.Root, Hosts: "/etc/hosts", HostsMode: hostsfile.HostsBlock, MachineID: "/etc/machine-id", Hostname: true,
	}
	p.Config.ResolvConf = resolvconf.Settings{Path: "/etc/resolv.conf", Mode: resolvconf.ModeStub}
	p.Config.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53")}
	p.Config.StateDir = filepath.Join(dir, "state")
	p.Config.DNS.Upstreams.Servers = []upstream.Server{upstream.Auto}
	since := p.Now.Add(-time.Hour)
	p.Status = &nodedns.Status{
		NodeID: self, State: nodedns.StateReady, Verdict: verdict.Verdict{Healthy: true}, Ready: true,
		Addresses: testkit.Addrs("192.0.2.1", "2001:db8::1"), Nodes: zone.Counts{Live: 2},
		Listeners: testkit.AddrPorts("127.0.0.53:53"), Upstreams: []string{"192.0.2.53"},
		UpstreamStatus: []upstream.Status{{Server: "192.0.2.53", General: true, State: upstream.Good}},
		Curator:        curator.Status{State: curator.StateConnected, ConnectedSince: &since, DataSince: &since},
		Files:          []hostsfile.FileStatus{{Path: filepath.Join(p.Root, "etc/hosts"), UpToDate: true, Written: &since}},
		ResolvConf:     &resolvconf.Status{Path: "/etc/resolv.conf", Mode: resolvconf.ModeStub, State: resolvconf.StateStub},
	}
	p.write("root/etc/nsswitch.conf", "hosts: files dns\n")
	p.write("root/etc/host.conf", "multi on\n")
	p.write("root/etc/hosts", "127.0.0.1 localhost\n# BEGIN nodedns\n::1 localhost\n192.0.2.1 "+self+"\n192.0.2.2 "+peer+"\n# END nodedns\n192.0.2.9 printer\n")
	p.write("root/etc/resolv.conf", "nameserver 127.0.0.53\n")
	p.write("root/run/systemd/system/empty", "")
	p.write("root/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
	p.writeKey("node.key", 0o600)
	p.write("proc/net/udp", noSockets+bound("1001", "0"))
	p.write("proc/net/tcp", noSockets)
	p.write("proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n")
	p.write("proc/sys/net/ipv6/conf/lo/disable_ipv6", "0\n")
	p.write("proc/net/if_inet6", "00000000000000000000000000000001 01 80 10 80       lo\n")
	p.write("proc/self/mountinfo", "22 1 0:20 / / rw - ext4 /dev/vda1 rw\n")
	p.namespaces("self", "1", "1")
	p.run("1", "init")
	p.run("512", "nodedns", "nodedns", "run")
	p.write("proc/512/limits", "Max open files            524288               524288               files\n")
	return p
}

// because adds a reason to the daemon's verdict.
func (p *patient) because(code, text string) {
	p.Status.State = nodedns.StateDegraded
	p.Status.Verdict.Healthy = false
	p.Status.Verdict.Reasons = append(p.Status.Verdict.Reasons, verdict.Reason{Code: code, Text: text, Fix: "fix " + code})
}

func (p *patient) write(path, text string) {
	p.t.Helper()
	path = filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) writeKey(path string, mode fs.FileMode) {
	p.t.Helper()
	p.write(path, "key")
	if err := os.Chmod(filepath.Join(p.dir, path), mode); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) symlink(target, path string) {
	p.t.Helper()
	path = filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) remove(path string) {
	p.t.Helper()
	if err := os.RemoveAll(filepath.Join(p.dir, path)); err != nil {
		p.t.Fatal(err)
	}
}

// run adds a process in the machine's own namespaces.
func (p *patient) run(pid, name string, arguments ...string) {
	p.t.Helper()
	cmdline := ""
	for _, argument := range arguments {
		cmdline += argument + "\x00"
	}
	p.write("proc/"+pid+"/comm", name+"\n")
	p.write("proc/"+pid+"/cmdline", cmdline)
	p.namespaces(pid, "1", "1")
}

func (p *patient) namespaces(pid, network, mount string) {
	p.t.Helper()
	p.symlink("net:["+network+"]", "proc/"+pid+"/ns/net")
	p.symlink("mnt:["+mount+"]", "proc/"+pid+"/ns/mnt")
}

// contain adds a process in a container with this resolv.conf, and a device
// besides loopback if that has a name.
func (p *patient) contain(pid, name, resolvConf, device string) {
	p.t.Helper()
	p.run(pid, name)
	p.namespaces(pid, "2"+pid, "2"+pid)
	p.write("proc/"+pid+"/root/etc/resolv.conf", resolvConf)
	devices := "Inter-|   Receive\n face |bytes\n    lo:  1 2 3\n"
	if device != "" {
		devices += "  " + device + ":  1 2 3\n"
	}
	p.write("proc/"+pid+"/net/dev", devices)
	p.write("proc/"+pid+"/net/udp", noSockets)
}

// dead makes the daemon one that does not answer, and frees its port.
func (p *patient) dead(err error) {
	p.t.Helper()
	p.Status, p.StatusError = nil, err
	p.write("proc/net/udp", noSockets)
}
