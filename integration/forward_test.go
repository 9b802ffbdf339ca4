package integration

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// startDNSMasq starts a name server on a machine's address and waits until it
// answers. It has only the records of its flags, and is killed when the test
// ends.
func startDNSMasq(m *machine, address string, flags ...string) {
	m.t.Helper()
	m.serve(exec.Command("dnsmasq", append([]string{
		"--keep-in-foreground", "--log-facility=-", "--user=root", "--conf-file=/dev/null", "--pid-file=",
		"--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=" + address,
		"--host-record=alive.example,192.0.2.1",
	}, flags...)...))
	eventually(m.t, "dnsmasq answers", func() error {
		r, err := m.digAt(address, "alive.example")
		if err == nil {
			err = r.expectStatus("NOERROR")
		}
		return err
	})
}

// bigText is more than a UDP reply may have.
func bigText() (flags, data []string) {
	for i := range 30 {
		text := fmt.Sprintf("%02d-%s", i, strings.Repeat("x", 80))
		flags = append(flags, "--txt-record=big.example,"+text)
		data = append(data, `"`+text+`"`)
	}
	return flags, data
}

// Names that are not ours go to a real server, the first of the list being
// dead.
func TestForwarding(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	l := newLAN(t)
	big, bigData := bigText()
	startDNSMasq(l.router, routerV4, append(big,
		"--local=/example/",
		"--host-record=www.example,192.0.2.10,2001:db8::10",
		"--mx-host=example,mail.example,5",
		"--ptr-record=10.0.18.198.in-addr.arpa,www.example",
	)...)
	n := newNode(l, "node")
	n.address()
	n.configure("[upstream]", `servers = ["10.88.0.253", "`+routerV4+`"]`, `timeout = "300ms"`)
	n.boot()
	n.awaitReady()

	tooBig := []string{}
	for _, text := range bigData {
		tooBig = append(tooBig, "TXT "+text)
	}
	n.awaitAnswers(t, "127.0.0.53", []realAnswer{
		{"A", "www.example", "NOERROR", []string{"A 192.0.2.10"}, nil},
		{"AAAA over TCP", "+tcp www.example AAAA", "NOERROR", []string{"AAAA 2001:db8::10"}, nil},
		{"MX", "example MX", "NOERROR", []string{"MX 5 mail.example."}, nil},
		{"PTR", "-x 198.18.0.10", "NOERROR", []string{"PTR www.example."}, nil},
		{"a name that does not exist", "nowhere.example", "NXDOMAIN", nil, nil},
		{"too big for UDP", "big.example TXT", "NOERROR", tooBig, nil},
		{"too big for UDP, asked by TCP", "+tcp big.example TXT", "NOERROR", tooBig, nil},
	})
	t.Run("truncated over UDP", func(t *testing.T) {
		r, err := n.dig("+notcp", "+ignore", "big.example", "TXT")
		must(t, err)
		if !slices.Contains(r.flags, "tc") {
			t.Errorf("want the flag tc:\n%s", r.text)
		}
	})
	t.Run("glibc", func(t *testing.T) {
		addrs, err := n.getent("dns", "www.example")
		must(t, err)
		if len(addrs) != 2 {
			t.Errorf("glibc finds %v, want one address of each family", addrs)
		}
	})
	t.Run("ours stay here", func(t *testing.T) {
		must(t, n.answers("NXDOMAIN", strangerID(t)))
		must(t, n.resolves(n.id, n.v4(), n.v6()))
	})
}

// "auto" takes the machine's own servers, without ourselves, from resolv.conf,
// and notices when that changes.
func TestMachineServers(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	l := newLAN(t)
	startDNSMasq(l.router, routerV4, "--host-record=www.example,192.0.2.10")
	n := newNode(l, "node")
	n.address()
	n.configure()
	n.boot()
	eventually(t, "there is no upstream", func() error { return n.remarks(20, "", "www.example") })
	n.write("/etc/resolv.conf", "nameserver 127.0.0.53\nnameserver "+routerV4+"\n")
	eventually(t, "the name resolves", func() error { return n.answers("NOERROR", "www.example") })
	eventually(t, "glibc finds it", func() error { return n.glibcKnows("dns", "www.example", netip.MustParseAddr("192.0.2.10")) })
}

// With all servers dead a query ends with an error that states so, and does not
// keep ours from being answered.
func TestDeadServers(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure("[upstream]", `servers = ["10.88.0.252", "10.88.0.253"]`)
	n.boot()
	eventually(t, "the daemon answers", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	r, err := n.ask("www.example", "A")
	must(t, err)
	must(t, r.expectStatus("SERVFAIL"))
	if len(r.errors) == 0 {
		t.Errorf("want an extended error:\n%s", r.text)
	}
	must(t, n.resolves(n.id, n.v4(), n.v6()))
}
