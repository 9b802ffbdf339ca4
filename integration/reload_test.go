package integration

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// SIGHUP takes a good configuration at once, and leaves everything as it is
// where the file is wrong or asks for what needs a restart.
func TestSIGHUP(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 1)
	n := c.nodes[0]
	zone := func(lines string) []string { return []string{follows(c.curator), noUpstream, "[zone]", lines} }
	ttl := func(want string) error {
		r, err := n.dig(n.id)
		if err == nil && (len(r.answer) != 1 || r.answer[0].ttl != want) {
			err = fmt.Errorf("want a TTL of %s:\n%s", want, r.text)
		}
		return err
	}
	must(t, ttl("10"))

	n.configure(zone(`ttl = "77s"`)...)
	n.daemon.signal(unix.SIGHUP)
	eventually(t, "the new TTL", func() error { return ttl("77") })

	n.configure(zone("ttl = \"88s\"\ncolour = \"blue\"")...)
	n.daemon.signal(unix.SIGHUP)
	eventually(t, "the wrong key is reported", func() error { return n.daemon.logged(configFile + ":7: zone.colour") })
	must(t, ttl("77"))

	n.configure(append(zone(`ttl = "99s"`), "[dns]", `listen = ["127.0.0.54:53"]`)...)
	n.daemon.signal(unix.SIGHUP)
	eventually(t, "the TTL beside what needs a restart", func() error { return ttl("99") })
	eventually(t, "the restart is mentioned", func() error { return n.daemon.logged("dns.listen") })

	n.configure(zone(`domains = ["nodes.example"]`)...)
	n.daemon.signal(unix.SIGHUP)
	eventually(t, "the new domain", func() error { return n.resolves(n.id+".nodes.example", n.v4(), n.v6()) })
	must(t, n.daemon.running())
	must(t, n.connection(true))
}

// Endpoints may come and go by SIGHUP: a machine that stood alone joins.
func TestCuratorByReload(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	l := newLAN(t)
	c := newCurator(l, "curator")
	n := newNode(l, "node")
	n.address()
	n.configure(noUpstream)
	n.boot()
	stranger := strangerID(t)
	eventually(t, "alone", func() error { return n.answers("NXDOMAIN", stranger) })

	c.tell("set %s 10.88.0.77", stranger)
	c.enrol(n)
	n.configure(follows(c), noUpstream)
	n.daemon.signal(unix.SIGHUP)
	eventually(t, "the cluster's node", func() error { return n.answers("NOERROR", stranger) })

	n.configure(noUpstream)
	n.daemon.signal(unix.SIGHUP)
	eventually(t, "the curator is left", func() error { return n.connection(false) })
	must(t, n.answers("NOERROR", stranger))
	must(t, n.daemon.running())
}
