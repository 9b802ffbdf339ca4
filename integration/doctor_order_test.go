package integration

import (
	"slices"
	"strings"
	"testing"
)

// ordered are the findings of "nodedns doctor --json" in their order.
func (m *machine) ordered() ([]finding, error) {
	out, _ := m.nodedns("doctor", "--json", "--config", configFile) // fails where there is a problem
	var d struct{ Findings []finding }
	return d.Findings, decodeJSON(out, &d)
}

// That a node has no address is found, with the reason, before what follows from it;
// with the daemon and without.
func TestDoctorNoAddress(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.configure(noUpstream)
	d := n.boot()
	eventually(t, "the daemon runs", func() error { return n.answers("NOERROR", "localhost") })
	found, err := n.findings()
	must(t, err)
	must(t, found["address"].says("problem", "the daemon reports", "has none that others could use"))
	n.configure(noUpstream, "[local]", `interfaces = ["wlan*"]`)
	d.kill()
	all, err := n.ordered()
	must(t, err)
	at := func(check string) int {
		return slices.IndexFunc(all, func(f finding) bool { return f.Check == check })
	}
	if at("daemon") < 0 || at("address") < 0 {
		t.Fatalf("found %+v, want that no daemon runs and that there is no address", all)
	}
	must(t, all[at("address")].says("problem", "without the daemon", "wlan*", "local.interfaces"))
}

// The daemon that does not run is found before the resolv.conf that names it,
// which refers to its cause.
func TestDoctorCauseBeforeConsequence(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	n.write(resolvConf, "nameserver 127.0.0.53\n")
	n.write("/etc/nsswitch.conf", "hosts: files [NOTFOUND=return] dns\n") // a problem of its own
	d := n.boot()
	eventually(t, "the daemon answers", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
	d.kill()
	all, err := n.ordered()
	must(t, err)
	var checks []string
	for _, f := range all {
		checks = append(checks, f.Check)
		if f.Check == "resolv-conf" && !slices.Equal(f.After, []string{"daemon"}) {
			t.Errorf("it follows from %q: %+v", f.After, f)
		}
	}
	cause, consequence := slices.Index(checks, "daemon"), slices.Index(checks, "resolv-conf")
	if cause < 0 || consequence < cause {
		t.Errorf("found %q, want the daemon before resolv.conf", checks)
	}
	text, _ := n.nodedns("doctor", "--config", configFile)
	if !strings.Contains(text, "perhaps from daemon above") {
		t.Errorf("doctor says\n%s", text)
	}
}
