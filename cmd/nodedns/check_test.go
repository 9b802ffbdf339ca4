package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.configure(`curator.endpoints = ["` + strings.ToUpper(nodeID) + `"]
metrics.listen = "127.0.0.1:9353"
`)
	o := m.command("check")
	o.expect(t, exitOK, "", "")
	golden(t, "check", strings.ReplaceAll(o.stdout, m.dir, "DIR"))

	o = m.command("check", "--json", "--local.addresses=", "--local.interfaces", "eth*,lan0")
	var p plan
	if err := json.Unmarshal([]byte(o.stdout), &p); err != nil {
		t.Fatalf("%v in %s", err, o.stdout)
	}
	if p.NodeID != nodeID || len(p.Addresses) != 0 || len(p.Interfaces) != 2 {
		t.Errorf("got %+v", p)
	}
	for _, name := range []string{"state", "control.sock", "root/etc/hostname"} {
		if _, err := os.Lstat(m.path(name)); err == nil {
			t.Errorf("check made %s", name)
		}
	}
}

func TestCheckWarns(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	const text = "dns.listen has 172.17.0.1:53, but dns.allow no network of clients that ask there"
	m.command("check").expect(t, exitOK, "metrics    -\n", "")
	m.command("check", "--dns.listen", "172.17.0.1:53").expect(t, exitOK, "warnings   "+text, "")
	m.command("check", "--dns.listen", "172.17.0.1:53", "--json").expect(t, exitOK, text, "")
}

// What is wrong with the files of nodes is no reason not to start.
func TestCheckReadsFilesOfNodes(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	file := m.path("nodes.json")
	missing := "the file of nodes " + file + " cannot be used: file does not exist"
	m.command("check", "--nodes.files", file).expect(t, exitOK, missing, "")
	m.command("check", "--nodes.files", m.path("nodes.d")).expect(t, exitOK, "metrics    -\n", "")
	if err := os.WriteFile(file, []byte("[{]"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.command("check", "--nodes.files", file).expect(t, exitOK, "line 1, column 3: ", "")
}

func TestCheckShowsWhereAddressesComeFrom(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]plan{
		"192.0.2.1\n2001:db8::1":                 {Addresses: []string{"192.0.2.1", "2001:db8::1"}, Interfaces: []string{"eth0"}},
		"those of eth*, lan0":                    {Interfaces: []string{"eth*", "lan0"}},
		"those of the default route's interface": {},
	} {
		if got := p.addressText(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
