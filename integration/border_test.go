package integration

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// A server behind us that validates finds that a route's domain, below a signed
// zone, is not signed: that is in the zone above, whose servers are asked for it.
// An alias in the signed zone leads there, and to the node.
// Shows RFC 4035 3.1.4.1, 3.2.1a.
func TestValidatorBehindUs(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	needUnpacked(t, "nsd", "unbound")
	l := newLAN(t)
	n := newNode(l, "node")
	n.address()
	authority := l.join("nsd").address()
	records := plainRecords(t, signedZone)
	for _, text := range []string{
		"corp." + signedZone + " 300 IN NS ns.corp." + signedZone,
		"there." + signedZone + " 300 IN CNAME www.corp." + signedZone,
		"node." + signedZone + " 300 IN CNAME " + n.id + ".nodes.example.",
	} {
		rr, err := dns.NewRR(text)
		must(t, err)
		records = append(records, rr)
	}
	signed, anchor := signZone(t, signedZone, records)
	authority.servesZones(map[string][]dns.RR{signedZone: signed})
	startDNSMasq(l.router, routerV4, "--host-record=www.corp.signed.example,192.0.2.99")

	n.configure(
		"[dns]", fmt.Sprintf("listen = [%q, %q]", "127.0.0.53:53", n.v4().String()+":53"), `allow = ["127.0.0.0/8", "10.88.0.0/16"]`,
		"[zone]", `domains = ["nodes.example"]`,
		"[upstream]", fmt.Sprintf("servers = [%q]", authority.v4()),
		"[[upstream.route]]", `domains = ["corp.signed.example"]`, fmt.Sprintf("servers = [%q]", routerV4),
	)
	n.boot()
	n.awaitReady()

	validator := l.join("unbound").address()
	validator.write("/etc/unbound/unbound.conf", fmt.Sprintf(`
server:
	username: ""
	chroot: ""
	directory: "/etc/unbound"
	pidfile: ""
	use-syslog: no
	interface: %s
	access-control: 0.0.0.0/0 allow
	trust-anchor: "%s"
remote-control:
	control-enable: no
forward-zone:
	name: "."
	forward-addr: %s
`, validator.v4(), anchor, n.v4()))
	validator.serve(unpacked(t, "unbound", "-d", "-c", "/etc/unbound/unbound.conf"))
	validator.serves()

	for _, server := range []netip.Addr{n.v4(), validator.v4()} {
		validator.awaitAnswers(t, server.String(), []realAnswer{
			{"above", "www.signed.example", "NOERROR", []string{"A 192.0.2.10"}, nil},
			{"the route", "www.corp.signed.example", "NOERROR", []string{"A 192.0.2.99"}, nil},
			{"an alias into it", "there.signed.example", "NOERROR", []string{"CNAME www.corp." + signedZone, "A 192.0.2.99"}, nil},
			{"an alias of the node", "node.signed.example", "NOERROR", []string{"CNAME " + n.id + ".nodes.example.", "A " + n.v4().String()}, nil},
			{"DS", "+dnssec corp.signed.example DS", "NOERROR", nil, []string{signedZone + " SOA", "corp." + signedZone + " NSEC"}},
		})
	}
}
