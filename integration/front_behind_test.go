package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
)

// passed is what comes of a name through two forwarders: its response code, its data,
// sorted, and the code of an extended error.
type passed struct {
	status, data string
	ede          uint16
}

// passedRow is a name with what comes of it, and what comes instead where a forwarder
// passes something else on.
type passedRow struct {
	name    string
	want    passed
	instead map[string]passed
}

func found(data ...string) passed {
	slices.Sort(data)
	return passed{status: "NOERROR", data: strings.Join(data, " ")}
}

// siteRows are names of the zones of the tests.
func siteRows() []passedRow {
	var many []string
	for i := range manyAddresses {
		many = append(many, fmt.Sprintf("198.18.0.%d", i+1))
	}
	return []passedRow{
		{"www.plain.example.", found("192.0.2.10", "2001:db8::10"), nil},
		{"v4only.plain.example.", found("192.0.2.4"), nil},
		{"chain.plain.example.", found("192.0.2.10", "2001:db8::10"), nil},
		{"many.plain.example.", found(many...), nil},
		{"nowhere.plain.example.", passed{status: "NXDOMAIN"}, nil},
	}
}

// Other forwarders get from us what programs get, and pass it on.
func TestForwardersInFront(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	needSandbox(t, "dnsmasq")
	needUnpacked(t, "nsd", "unbound", "systemd-resolved")
	l := newLAN(t)
	n := through(l, "node", newAuthority(l, "nsd").v4().String(), "[zone]", `domains = ["nodes.example"]`,
		"[dns]", `listen = ["0.0.0.0:53"]`, `allow = ["10.88.0.0/24", "127.0.0.0/8"]`)
	inPlace(n.machine, "site.json", jsonFormat(readableNode(t)))
	n.boot()
	n.awaitReady()
	self, web, denied := found(n.v4().String(), n.v6().String()), found("10.88.0.99", "fd88::99"), passed{status: "NXDOMAIN"}
	singleLabel := map[string]passed{"systemd-resolved": {status: "REFUSED"}}
	rows := append(siteRows(), []passedRow{
		{"loop.plain.example.", passed{status: "SERVFAIL", ede: dns.ExtendedErrorCodeInvalidData}, map[string]passed{
			"unbound": {status: "SERVFAIL"}, "systemd-resolved": {status: "SERVFAIL"},
		}},
		{n.id + ".nodes.example.", self, nil},
		{"web-2.nodes.example.", web, nil},
		{"web-9.nodes.example.", denied, nil},
		{n.id + ".", self, singleLabel},
		{"web-2.", web, singleLabel},
		{"99.0.88.10.in-addr.arpa.", found("web-2.nodes.example."), map[string]passed{"unbound": denied}},
	}...)
	for _, f := range otherForwarders {
		h := l.join("host-of-" + f.name).address()
		f.start(h, wiring{servers: []netip.AddrPort{netip.AddrPortFrom(n.v4(), 53)}})
		t.Run(f.name, func(t *testing.T) { h.getsAll(t, f.name, "127.0.0.53:53", rows) })
	}
}

// We get from other forwarders what servers behind them have.
func TestForwardersBehind(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	needSandbox(t, "dnsmasq")
	needUnpacked(t, "nsd", "unbound", "systemd-resolved")
	l := newLAN(t)
	nsd := newAuthority(l, "nsd")
	for _, f := range otherForwarders {
		const ours = "127.0.0.2:53" // 127.0.0.53 is the other's
		n := through(l, "node-of-"+f.name, "127.0.0.53", "[dns]", fmt.Sprintf("listen = [%q]", ours))
		f.start(n.host, wiring{servers: []netip.AddrPort{netip.AddrPortFrom(nsd.v4(), 53)}})
		n.boot()
		t.Run(f.name, func(t *testing.T) { n.getsAll(t, f.name, ours, siteRows()) })
	}
}

// getsAll waits until the server has what the rows want of it through a forwarder.
func (m *machine) getsAll(t *testing.T, forwarder, server string, rows []passedRow) {
	t.Helper()
	c := newClient(t, m, server)
	defer c.close()
	awaitAll(t, "the names are answered", rows, func(row passedRow) error {
		want, differs := row.instead[forwarder]
		if !differs {
			want = row.want
		}
		got, err := c.passed(row.name)
		if err == nil && got != want {
			err = fmt.Errorf("%s: got %v, want %v", row.name, got, want)
		}
		return err
	})
}

// passed asks for both families together, or for the name of an address.
func (c *client) passed(name string) (p passed, err error) {
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	if strings.HasSuffix(name, ".arpa.") {
		types = []uint16{dns.TypePTR}
	}
	var data []string
	for _, typ := range types {
		q := new(dns.Msg).SetQuestion(name, typ)
		q.SetEdns0(1232, false)
		r, err := c.ask(q)
		if err != nil {
			return p, err
		}
		for _, rr := range r.Answer {
			if rr.Header().Rrtype == typ {
				data = append(data, strings.TrimPrefix(rr.String(), rr.Header().String()))
			}
		}
		p.status = dns.RcodeToString[r.Rcode]
		if opt := r.IsEdns0(); opt != nil {
			for _, option := range opt.Option {
				if e, ok := option.(*dns.EDNS0_EDE); ok {
					p.ede = e.InfoCode
				}
			}
		}
	}
	slices.Sort(data)
	p.data = strings.Join(data, " ")
	return p, nil
}
