package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// vpnServer is the name server of a VPN, which answers nobody.
const vpnServer = "10.99.0.53"

// vpn is a program that names its server in resolv.conf while it is up.
type vpn struct{ up, down func(*node) }

// hook runs a script as its program does, with variables.
func (m *machine) hook(script string, variables ...string) {
	m.t.Helper()
	m.run("env", append(variables, "sh", script)...)
}

// unpackedFile is a file of the packages of unpacked.txt.
func unpackedFile(path string) string { return os.Getenv(unpackedVar) + path }

func pppd(script string) func(*node) {
	return func(n *node) {
		n.write("/etc/ppp/resolv.conf", "nameserver "+vpnServer+"\n")
		n.hook(unpackedFile(script), "USEPEERDNS=1", "PPP_IFACE=ppp0", "DNS1="+vpnServer)
	}
}

func vpncScript(reason string) func(*node) {
	return func(n *node) {
		if _, err := n.try("ip", "link", "show", "vpn0"); err != nil {
			n.run("ip", "link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1")
		}
		n.hook(unpackedFile("/usr/share/vpnc-scripts/vpnc-script"), "reason="+reason, "VPNPID=1", "VPNGATEWAY=127.0.0.1", "TUNDEV=vpn0",
			"CISCO_SPLIT_INC=0", "INTERNAL_IP4_ADDRESS=10.99.0.1", "INTERNAL_IP4_DNS="+vpnServer, "CISCO_DEF_DOMAIN=vpn.example")
	}
}

// installOpenresolv puts it where it and its callers look for it, on this
// machine.
func installOpenresolv(n *node) {
	n.write("/etc/resolvconf.conf", "resolv_conf=/etc/resolv.conf\n")
	for _, dir := range []string{"/sbin", "/lib"} {
		n.run("mount", "-t", "overlay", "-o", "lowerdir=/usr"+dir+":"+unpackedFile(dir), "overlay", "/usr"+dir)
	}
}

// vpns are the ways of the programs.
var vpns = map[string]vpn{
	"pppd":        {pppd("/etc/ppp/ip-up.d/0000usepeerdns"), pppd("/etc/ppp/ip-down.d/0000usepeerdns")},
	"vpnc-script": {vpncScript("connect"), vpncScript("disconnect")},
	"openresolv": {
		func(n *node) {
			n.write("/etc/vpn.conf", "nameserver "+vpnServer+"\n")
			n.run("sh", "-c", "/sbin/resolvconf -a tun.wg0 -m 0 -x </etc/vpn.conf")
		},
		func(n *node) { n.run("/sbin/resolvconf", "-f", "-d", "tun.wg0") },
	},
}

// asks fails unless these are the servers for other names, and resolv.conf is
// ours.
func (m *machine) asks(servers ...string) error {
	var s struct {
		Upstreams  []string
		ResolvConf resolvConfStatus `json:"resolv_conf"`
	}
	if err := m.readStatus(&s); err != nil {
		return err
	}
	if s.ResolvConf.State != "stub" || !slices.Equal(s.Upstreams, servers) {
		return fmt.Errorf("asked are %v, in the state %+v", s.Upstreams, s.ResolvConf)
	}
	return nil
}

const ownersConf = "# the owner's\nnameserver " + routerV4 + "\n"

// newVPNNode is a node whose daemon runs, and that has openresolv only if that
// is the VPN's.
func newVPNNode(t *testing.T, kind string) (*node, *daemon) {
	t.Helper()
	needSandbox(t, "dnsmasq")
	needUnpacked(t, "pppd")
	n := newStub(t, ownersConf)
	if kind == "openresolv" {
		installOpenresolv(n)
	}
	d := n.boot()
	eventually(t, "the owner's server is asked", func() error { return n.asks(routerV4) })
	return n, d
}

// wantOwners stops the daemon, which gives back the owner's file.
func (n *node) wantOwners(d *daemon) {
	n.t.Helper()
	d.signal(unix.SIGTERM)
	d.exit()
	if got := n.read(resolvConf); got != ownersConf {
		n.t.Errorf("resolv.conf is %q, want the owner's", got)
	}
}

// The VPN's server is asked while it is up, and the owner's afterwards, as often
// as it comes and goes.
func TestResolvConfAndVPNs(t *testing.T) {
	t.Parallel()
	for kind, vpn := range vpns {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n, d := newVPNNode(t, kind)
			for range 2 {
				vpn.up(n)
				eventually(t, "the VPN's server is asked", func() error { return n.asks(vpnServer) })
				vpn.down(n)
				eventually(t, "the owner's is asked again", func() error { return n.asks(routerV4) })
				eventually(t, "it answers", func() error { return n.answers("NOERROR", "www.example") })
			}
			n.wantOwners(d)
		})
	}
}

// The daemon may be killed, stopped, or not run at all while that happens. What
// differs between the programs while it runs is above.
func TestResolvConfAndVPNsOverRestarts(t *testing.T) {
	t.Parallel()
	for kind, vpn := range vpns {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if kind != "openresolv" {
				testkit.Long(t)
			}
			n, d := newVPNNode(t, kind)
			vpn.up(n)
			eventually(t, "the VPN's server is asked", func() error { return n.asks(vpnServer) })
			d.kill()
			d = n.boot()
			eventually(t, "it still is", func() error { return n.asks(vpnServer) })
			d.signal(unix.SIGTERM)
			d.exit()
			if text := n.read(resolvConf); !strings.Contains(text, "nameserver "+vpnServer) {
				t.Errorf("resolv.conf is %q, want that of the VPN", text)
			}
			vpn.down(n)
			_, err := n.nodedns("resolvconf", "restore", "--config", configFile)
			must(t, err)
			if got := n.read(resolvConf); got != ownersConf {
				t.Errorf("resolv.conf is %q, want the owner's", got)
			}
			d = n.boot()
			eventually(t, "the owner's server is asked", func() error { return n.asks(routerV4) })
			n.wantOwners(d)
		})
	}
}

// A lease that comes while the VPN is up stays when that ends.
func TestResolvConfAndALeaseBesideAVPN(t *testing.T) {
	t.Parallel()
	n, d := newVPNNode(t, "pppd")
	vpns["pppd"].up(n)
	eventually(t, "the file is taken back", func() error { return n.overwritten(1) })
	eventually(t, "the VPN's server is asked", func() error { return n.asks(vpnServer) })
	n.dhclientScript("192.0.2.53")
	eventually(t, "the file is taken back", func() error { return n.overwritten(2) })
	eventually(t, "the server of the lease is asked", func() error { return n.asks("192.0.2.53") })
	vpns["pppd"].down(n)
	eventually(t, "our file, which the VPN had saved, is taken back", func() error { return n.overwritten(3) })
	must(t, n.asks("192.0.2.53"))
	d.signal(unix.SIGTERM)
	d.exit()
	if text := n.read(resolvConf); !strings.Contains(text, "nameserver 192.0.2.53") {
		t.Errorf("resolv.conf is %q, want that of the lease", text)
	}
}

// overwritten fails unless resolv.conf was overwritten so often, and is ours.
func (m *machine) overwritten(times int) error {
	s, err := m.resolvConfStatus()
	if err == nil && (s.State != "stub" || s.Overwrites != times) {
		err = fmt.Errorf("status %+v", s)
	}
	return err
}

// dhclientScript writes resolv.conf as dhclient's script does for a lease.
func (n *node) dhclientScript(server string) {
	n.t.Helper()
	n.write("/etc/fstab", "") // it reads that
	n.hook("/sbin/dhclient-script", "reason=RENEW", "interface=eth0", "old_ip_address="+n.v4().String(), "new_ip_address="+n.v4().String(),
		"new_subnet_mask=24", "new_domain_name=example", "new_domain_name_servers="+server)
}
