package integration

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// SIGHUP takes a good configuration at once, and leaves everything as it is
// where the file is wrong or changes what needs a restart.
func TestSIGHUP(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 1)
	n := c.nodes[0]
	zone := func(lines string) []string { return []string{follows(c.curator), noUpstream, "[zone]", lines} }
	ttl := func(want string) error {
		r, err := n.ask(n.id, "A")
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

// Endpoints may come and go by SIGHUP: a machine without a cluster joins.
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

// A FIFO in place of a configuration file holds up neither a reload nor the end.
func TestFIFOAsConfiguration(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	d := n.boot()
	eventually(t, "the daemon is ready", func() error { return n.answers("NOERROR", n.id) })
	const fifo = "/etc/nodedns/nodedns.d/50-pipe.toml"
	n.run("mkdir", "-p", "/etc/nodedns/nodedns.d")
	n.run("mkfifo", fifo)

	d.signal(unix.SIGHUP)
	eventually(t, "the FIFO is reported", func() error { return d.logged(fifo + ": not a regular file") })
	message, code := n.refuses("reload")
	if code != 1 || !strings.Contains(message, "not reloaded") || !strings.Contains(message, fifo) {
		t.Errorf("the reload ends with %d: %s", code, message)
	}
	must(t, n.answers("NOERROR", n.id))
	d.signal(unix.SIGTERM)
	if code := d.exit(); code != 0 {
		t.Errorf("the daemon ends with %d", code)
	}
	message, code = n.refuses("run")
	if code != 2 || !strings.Contains(message, fifo) {
		t.Errorf("the start ends with %d: %s", code, message)
	}
}
