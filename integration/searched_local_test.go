package integration

import (
	"strings"
	"testing"
)

// A domain below local, as many Active Directories have, is an ordinary one where
// the search list has it: the servers that come with the list have its names.
// Other names below local are of multicast DNS.
// Shows RFC 6762 22.1b.
func TestSearchDomainBelowLocal(t *testing.T) {
	t.Parallel()
	x := needNSS(t, "dnsmasq")
	l := newLAN(t)
	startDNSMasq(l.router, routerV4, "--local=/local/", "--host-record=db.corp.local,192.0.2.10", "--host-record=db.other.local,192.0.2.11")
	for name, configuration := range map[string]string{
		"the machine's servers": stubMode,
		"other servers":         stubMode + "\n[upstream]\nservers = [\"10.88.0.253\"]",
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(l, strings.ReplaceAll(name, " ", "-"))
			n.address()
			n.write(resolvConf, "nameserver "+routerV4+"\nsearch corp.local\n")
			typed := []string{"db", "db.corp.local"}
			awaitAll(t, "they are found as it is without us", typed, func(name string) error { return n.glibcKnows("dns", name, database) })
			n.asksByResolve(configuration)
			n.boot()
			n.served(x)
			eventually(t, "resolv.conf points here", func() error { return n.pointsHere("search corp.local", "options edns0") })
			awaitAll(t, "they are found over DNS", typed, func(name string) error { return n.glibcKnows("dns", name, database) })
			awaitAll(t, "they are found by nss-resolve", typed, func(name string) error { return x.finds(n.machine, name, database) })
			must(t, n.answers("NXDOMAIN", "db.other.local"))
			must(t, n.answers("NXDOMAIN", "local"))
			must(t, n.answers("NXDOMAIN", strangerID(t)+".corp.local"))
			for _, command := range []string{"explain db.corp.local", "check", "doctor"} {
				out, err := n.nodedns(append(strings.Fields(command), "--config", configFile)...)
				if !strings.Contains(out, "below local") {
					t.Errorf("%s does not say so: %v\n%s", command, err, out)
				}
			}
		})
	}
}
