package integration

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
)

var (
	loopback4 = netip.MustParseAddr("127.0.0.1")
	loopback6 = netip.IPv6Loopback()
)

// binds fails unless programs can listen on every address that glibc finds for a
// name.
func (m *machine) binds(name string) error {
	addrs, err := m.getent("", name)
	if err != nil {
		return err
	}
	var failed []error
	for _, addr := range addrs {
		m.do(func() {
			listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)))
			if err == nil {
				err = listener.Close()
			}
			failed = append(failed, err)
		})
	}
	return errors.Join(failed...)
}

// localhost leads to ::1 only while the machine has it, in all ways.
func TestLocalhostFollowsIPv6(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream, "[files]", `hosts_mode = "own"`)
	is := func(addrs ...netip.Addr) {
		t.Helper()
		eventually(t, "localhost is "+fmt.Sprint(addrs), func() error {
			return errors.Join(n.knows("localhost", addrs...), n.resolves("www.localhost", addrs...))
		})
		must(t, n.binds("localhost"))
		must(t, n.compares("hosts file", "equal"))
	}
	n.setIPv6("lo", false)
	d := n.boot()
	is(loopback4)
	n.setIPv6("lo", true)
	is(loopback4, loopback6)
	// Without the sysctl, as programs that set up a network namespace leave it.
	n.run("ip", "address", "del", "::1/128", "dev", "lo")
	is(loopback4)
	d.kill()
	n.run("ip", "address", "add", "::1/128", "dev", "lo")
	n.boot()
	is(loopback4, loopback6)
	n.setIPv6("lo", false)
	is(loopback4)
}

// The same by nss-resolve, and with a line of the user's, which is left alone and
// reported.
func TestLocalhostOfTheUser(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	n := newNode(newLAN(t), "node")
	n.asksByResolve(noUpstream)
	n.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n")
	n.boot()
	n.served(x)
	n.setIPv6("lo", false)
	eventually(t, "::1 is not found", func() error { return x.finds(n.machine, "localhost", loopback4) })
	must(t, n.fileHas("localhost", loopback4, loopback6))
	findings, err := n.findings()
	must(t, err)
	must(t, findings["hosts-lines"].says("note", "line 2", "::1"))
	n.setIPv6("lo", true)
	eventually(t, "::1 is found", func() error { return x.finds(n.machine, "localhost", loopback4, loopback6) })
}
