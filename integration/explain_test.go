package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// explanation is what the tests look at of "nodedns explain --json".
type explanation struct {
	Library struct {
		Services []struct {
			Service, Status, Action string
			Names                   []string
			Tried                   []question
		}
		NotAsked []string `json:"not_asked"`
	}
	Explanations []struct {
		Type  string
		Steps []struct{ Step, Outcome, Why string }
	}
	Predictions []struct {
		Command string
		Found   []string
		Service string
		As      string
		Unknown string
	}
}

// question is a query to the daemon on the way.
type question struct{ Name, Type, Rcode, Step string }

func (m *machine) explain(args ...string) (e explanation, err error) {
	return e, m.decode(&e, append([]string{"explain"}, args...)...)
}

// glibcFinds is what a getent command of glibc prints, sorted: the addresses of a
// name, or the name of an address. Nothing is an answer too.
func (m *machine) glibcFinds(command string) ([]string, error) {
	words := strings.Fields(command)
	out, err := m.try(words[0], words[1:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 2 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	column := 0
	if _, err := netip.ParseAddr(words[2]); err == nil {
		column = 1
	}
	var found []string
	for line := range strings.Lines(out) {
		found = append(found, strings.Fields(line)[column])
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// predicted fails unless each getent command does what is explained.
func (m *machine) predicted(name string) error {
	e, err := m.explain(name)
	if err != nil {
		return err
	}
	for _, p := range e.Predictions {
		got, err := m.glibcFinds(p.Command)
		if err != nil {
			return err
		}
		slices.Sort(p.Found)
		if p.Unknown != "" || !slices.Equal(got, p.Found) {
			return fmt.Errorf("%s finds %v; explained is %v from %q, not known %q:\n%+v",
				p.Command, got, p.Found, p.Service, p.Unknown, e.Library)
		}
	}
	if len(e.Predictions) == 0 {
		return fmt.Errorf("nothing is predicted for %s", name)
	}
	return nil
}

// What explain predicts of glibc, glibc does: in whatever order nsswitch.conf
// names the services, and whatever becomes of the name. Three of these orders are
// for every change.
func TestExplainPredictsGlibc(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newPredicted(t)
	t.Run("files dns", func(t *testing.T) {
		for _, name := range []string{
			strangerID(t), "db.localhost", "PRINTER", "printer.lan.example", "www.refused.example", "www.invalid",
			n.v4().String(), "2001:db8::9", "192.0.2.99",
		} {
			must(t, n.predicted(name))
		}
	})
	const nameserver = "nameserver 127.0.0.53\n"
	for i, setting := range testkit.Some(3, []struct{ hosts, resolv string }{
		{"files dns", nameserver + "search lan.example void.example\n"},
		{"dns [!UNAVAIL=return] files", nameserver + "search void.example refused.example lan.example\noptions ndots:2\n"},
		{"resolve [!UNAVAIL=return] files dns", nameserver + "search lan.example\n"},
		{"dns files", nameserver + "search void.example refused.example lan.example\noptions ndots:2\n"},
		{"dns files", nameserver + "search refused.example lan.example\n"},
		{"files [NOTFOUND=return] dns", nameserver},
		{"dns [NOTFOUND=return] files", nameserver},
		{"dns [!UNAVAIL=return] files", nameserver},
		{"files absent [UNAVAIL=return] dns", nameserver},
		{"", nameserver},
		{"files dns [SUCCESS=maybe]", nameserver},
	}) {
		t.Run(setting.hosts, func(t *testing.T) {
			n.write("/etc/nsswitch.conf", "passwd: files\nhosts: "+setting.hosts+"\n")
			n.write("/etc/resolv.conf", setting.resolv)
			for _, name := range everyThird(i, n.id, "localhost", "printer", "printer.", "both", "six", "loop", "scanner", "www.void.example", "192.0.2.7") {
				must(t, n.predicted(name))
			}
		})
	}
}

// Where the machine has IPv4 only glibc looks for no other addresses, and if it
// has IPv6 only, for IPv4-mapped ones.
func TestExplainPredictsGlibcOfOneFamily(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for family, removeOther := range map[string]func(*node) netip.Addr{
		"IPv4": func(n *node) netip.Addr {
			n.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
			return n.v4()
		},
		"IPv6": func(n *node) netip.Addr {
			n.withdraw(n.v4())
			return n.v6()
		},
	} {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			n := newPredicted(t)
			left := removeOther(n)
			eventually(t, "the other family has gone", func() error { return n.knows(n.id, left) })
			for i, hosts := range []string{"files dns", "dns files"} {
				n.write("/etc/nsswitch.conf", "passwd: files\nhosts: "+hosts+"\n")
				for _, name := range everyThird(i, n.id, "printer", "six", "localhost", "printer.lan.example", "loop") {
					must(t, n.predicted(name))
				}
			}
		})
	}
}

// newPredicted is a node whose hosts file has names of all kinds.
func newPredicted(t *testing.T) *node {
	n := newNode(newLAN(t), "node")
	n.address()
	n.write("/etc/hosts", userHosts+"192.0.2.7 printer printer.lan.example\n2001:db8::7 printer\n192.0.2.8 printer\n"+
		"2001:db8::9 six\n192.0.2.10 both.lan.example\n::1 loop\n")
	n.configure(noUpstream, "[[upstream.route]]", `domains = ["void.example"]`, "servers = []")
	n.boot()
	n.awaitReady()
	eventually(t, "the file has the node", func() error { return n.fileHas(n.id, n.v4(), n.v6()) })
	return n
}

// Before the zone is ready a name is neither there nor absent, which glibc
// treats specially.
func TestExplainPredictsFailures(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream, "[curator]", `endpoints = ["10.88.0.250:7835"]`)
	stranger := strangerID(t)
	n.write("/etc/hosts", userHosts+"192.0.2.7 "+stranger+"\n")
	n.boot()
	eventually(t, "the daemon answers", func() error { return n.answers("SERVFAIL", stranger) })
	for _, hosts := range []string{"dns files", "dns [!UNAVAIL=return] files", "dns [UNAVAIL=return] files", "dns [TRYAGAIN=return] files", "dns"} {
		n.write("/etc/nsswitch.conf", "passwd: files\nhosts: "+hosts+"\n")
		if err := n.predicted(stranger); err != nil {
			t.Errorf("hosts: %s: %v", hosts, err)
		}
	}
}

// What cannot be known is reported as unknown.
func TestExplainWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.configure(noUpstream)
	n.write("/etc/resolv.conf", "nameserver 192.0.2.53\nnameserver 127.0.0.53\n")
	n.boot()
	n.awaitReady()
	e, err := n.explain("www.example.com")
	must(t, err)
	for _, p := range e.Predictions {
		if !strings.Contains(p.Unknown, "192.0.2.53") || len(p.Found) > 0 {
			t.Errorf("with another nameserver in front: %+v", p)
		}
	}
}

// The steps that are explained are those of the query, and both commands are for
// people too.
func TestQueryAndExplainAgree(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newNode(newLAN(t), "node")
	n.address()
	n.write("/etc/hosts", userHosts+"192.0.2.7 printer\n")
	n.configure(noUpstream, "[[upstream.route]]", `domains = ["void.example"]`, "servers = []")
	n.boot()
	n.awaitReady()
	for name, want := range map[string]string{
		n.id: "zone", "printer": "hosts", "localhost": "localhost", "www.void.example": "route",
		"x.invalid": "special", "scanner": "single-label", "www.example.com": "upstream", n.v4().String(): "reverse",
	} {
		e, err := n.explain(name)
		must(t, err)
		out, _ := n.nodedns("query", "--json", "--config", configFile, name) // fails where there is no record
		var answer struct{ Step string }
		must(t, json.Unmarshal([]byte(out), &answer))
		settled := ""
		for _, step := range e.Explanations[0].Steps {
			if step.Outcome == "settled" {
				settled += step.Step
			}
		}
		if answer.Step != want || settled != want {
			t.Errorf("%s is settled by %q in query, %q in explain; want %s", name, answer.Step, settled, want)
		}
		text, err := n.nodedns("explain", "--config", configFile, name)
		if err != nil || !strings.Contains(text, "\nWhat a program gets\n") {
			t.Errorf("explain says %v\n%s", err, text)
		}
	}
}
