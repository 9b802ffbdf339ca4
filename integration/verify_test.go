package integration

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// verified is what "nodedns verify --json" promises.
type verified struct {
	Equal  bool
	Asked  int
	Checks []struct {
		Check, Result string
		Differences   []struct{ Name, Want, Got string }
	}
}

// verify checks that a machine finds what is in its zone, or returns what it
// does not.
func (m *machine) verify(flags ...string) (verified, error) {
	out, err := m.nodedns(append([]string{"verify", "--json", "--config", configFile}, flags...)...)
	var v verified
	if failed := decodeJSON(out, &v); failed != nil {
		return v, fmt.Errorf("%w: %w", failed, err)
	}
	return v, err
}

// compares fails unless "nodedns verify" has this result for a check.
func (m *machine) compares(check, result string) error {
	v, _ := m.verify() // others of the checks may differ
	for _, c := range v.Checks {
		if c.Check == check {
			if c.Result != result {
				return fmt.Errorf("%s: %+v, want %s", check, c, result)
			}
			return nil
		}
	}
	return fmt.Errorf("%s was not compared: %+v", check, v)
}

// A node of a real cluster finds what is in its zone, in all ways, while nodes
// move too; and differences are found.
func TestVerify(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	c := newCluster(t, 2)
	n := c.nodes[0]
	n.configure(follows(c.curator), noUpstream, "[varlink]", `socket = "/run/nodedns/resolve"`)
	n.daemon.signal(unix.SIGTERM)
	n.daemon.exit()
	n.boot()
	for i := range 30 {
		c.curator.tell("set %s 10.88.1.%d", strangerID(t), i+1)
	}
	eventually(t, "all nodes are known", func() error { return n.counts(33, 0, 0) })
	v, err := n.verify("--all")
	if err != nil || !v.Equal || v.Asked != 33 {
		t.Errorf("got %+v, %v", v, err)
	}
	for _, check := range v.Checks {
		// In this configuration no other is off.
		if off := check.Check == "resolv.conf"; off != (check.Result == "off") {
			t.Errorf("got %+v", check)
		}
	}
	c.curator.tell("set %s 10.88.2.1", strangerID(t))
	c.curator.tell("remove %s", c.nodes[1].id)
	v, err = n.verify()
	must(t, err)

	n.write("/etc/machine-id", "another")
	n.do(func() { must(t, unix.Sethostname([]byte("another"))) })
	v, err = n.verify()
	if err == nil || v.Equal {
		t.Errorf("got %+v, %v, want differences", v, err)
	}
	for _, check := range v.Checks {
		wrong := check.Check == "machine-id" || check.Check == "hostname"
		if wrong != (check.Result == "differs") {
			t.Errorf("got %+v", check)
		}
	}
}
