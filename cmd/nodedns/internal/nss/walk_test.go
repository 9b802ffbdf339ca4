package nss

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
)

const module = "/usr/lib/x86_64-linux-gnu/libnss_%s.so.2"

// predict looks a name up, and returns the walk in short: each service, what
// it returns and what follows, and then what getent ahosts and getent hosts
// find.
func predict(t *testing.T, l *Lookup, name string) string {
	t.Helper()
	walk, predictions, err := l.Name(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range walk.Results {
		if r.Reason == "" {
			t.Errorf("%s: nothing is said of why %s", name, r.Service)
		}
		fmt.Fprintf(&b, "%s=%s:%s ", r.Service, r.Status, r.Action)
	}
	for _, p := range predictions {
		text := strings.Join(p.Found, ",")
		if p.Unknown != "" {
			text = "unknown"
		}
		fmt.Fprintf(&b, "| %s ", text)
	}
	return strings.TrimSpace(b.String())
}

func TestWalk(t *testing.T) {
	t.Parallel()
	known := daemon{
		"node A":          data("10.0.0.1"),
		"both A":          data("10.0.0.2"),
		"both AAAA":       data("2001:db8::2"),
		"far.a.example A": data("10.0.0.3"),
		"far A":           failure("REFUSED"),
		"sick A":          failure("SERVFAIL"), "sick AAAA": failure("SERVFAIL"),
		"later A": {Unasked: true},
	}
	const resolv = "nameserver 127.0.0.53\nsearch a.example\n"
	for _, tt := range []struct{ hosts, resolv, name, want string }{
		{"files dns", resolv, "node", "files=notfound:continue dns=success:return | 10.0.0.1 | 10.0.0.1"},
		{"files dns", resolv, "both", "files=notfound:continue dns=success:return | 10.0.0.2,2001:db8::2 | 2001:db8::2"},
		{"files dns", resolv, "line", "files=success:return | 192.0.2.7 | 192.0.2.7"},
		{"dns files", resolv, "line", "dns=notfound:continue files=success:return | 192.0.2.7 | 192.0.2.7"},
		{"files dns", resolv, "far", "files=notfound:continue dns=success:return | 10.0.0.3 | 10.0.0.3"},
		{"files [NOTFOUND=return] dns", resolv, "node", "files=notfound:return |  |"},
		{"dns [!UNAVAIL=return] files", resolv, "line", "dns=notfound:return |  |"},
		{"dns [!UNAVAIL=return] files", resolv, "sick", "dns=unavail:continue files=success:return | 192.0.2.8 | 192.0.2.8"},
		{"dns [UNAVAIL=return] files", resolv, "sick", "dns=unavail:return |  |"},
		{"dns files", resolv + "nameserver 192.0.2.53\n", "sick", "dns=unknown: | unknown | unknown"},
		{"dns files", "nameserver 192.0.2.53\n" + resolv, "node", "dns=unknown: | unknown | unknown"},
		{"files dns", "nameserver 192.0.2.53\n" + resolv, "line", "files=success:return | 192.0.2.7 | unknown"},
		{"dns", resolv + "nameserver 192.0.2.53\noptions rotate\n", "node", "dns=unknown: | unknown | unknown"},
		{"dns", resolv, "later", "dns=unknown: | unknown | unknown"},
		{"absent dns", resolv, "node", "absent=unavail:continue dns=success:return | 10.0.0.1 | 10.0.0.1"},
		{"ldap dns", resolv, "node", "ldap=unknown: | unknown | unknown"},
		{"files [SUCCESS=continue] dns", resolv, "line", "files=success:continue | unknown | unknown"},
		{
			"files mdns4_minimal [NOTFOUND=return] dns", resolv, "node",
			"files=notfound:continue mdns4_minimal=unavail:continue dns=success:return | 10.0.0.1 | 10.0.0.1",
		},
		{"mdns4_minimal dns", resolv, "printer.local", "mdns4_minimal=unknown: | unknown | unknown"},
		{"myhostname dns", resolv, "node", "myhostname=notfound:continue dns=success:return | 10.0.0.1 | 10.0.0.1"},
		{"myhostname dns", resolv, "BOX", "myhostname=unknown: | unknown | unknown"},
		{"myhostname dns", resolv, "x.localhost", "myhostname=unknown: | unknown | unknown"},
		{"resolve [!UNAVAIL=return] dns", resolv, "node", "resolve=unavail:continue dns=success:return | 10.0.0.1 | 10.0.0.1"},
		{"", resolv, "node", "|  |"},
		{"files [", resolv, "line", "|  |"},
	} {
		t.Run(tt.hosts+" "+tt.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{
				machine.Nsswitch: "hosts: " + tt.hosts + "\n", machine.ResolvConf: tt.resolv,
				machine.Hosts: "192.0.2.7 line\n192.0.2.8 sick\n",
			}
			for _, service := range []string{"ldap", "mdns4_minimal", "myhostname", "resolve"} {
				files[fmt.Sprintf(module, service)] = ""
			}
			l := &Lookup{Config: configOf(t, files), Ask: known.ask, Listeners: []netip.AddrPort{ours}}
			if got := predict(t, l, tt.name); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A machine with addresses of one family only looks for no others.
func TestOneFamily(t *testing.T) {
	t.Parallel()
	known := daemon{"both A": data("10.0.0.2"), "both AAAA": data("2001:db8::2"), "four A": data("10.0.0.4")}
	l := &Lookup{
		Config: configOf(t, map[string]string{machine.ResolvConf: "nameserver 127.0.0.53\n"}),
		Ask:    known.ask, Listeners: []netip.AddrPort{ours},
	}
	for _, tt := range []struct {
		v4, v6     bool
		name, want string
	}{
		{true, false, "both", "10.0.0.2"},
		{false, true, "both", "2001:db8::2"},
		{false, true, "four", "::ffff:10.0.0.4"},
		{false, false, "both", "10.0.0.2 2001:db8::2"},
	} {
		l.v4, l.v6 = tt.v4, tt.v6
		_, predictions, err := l.Name(t.Context(), tt.name)
		if got := strings.Join(predictions[0].Found, " "); err != nil || got != tt.want {
			t.Errorf("%+v: got %s, %v", tt, got, err)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	known := daemon{"1.0.0.10.in-addr.arpa PTR": data("node.")}
	for _, tt := range []struct{ hosts, addr, reverse, want string }{
		{"files dns", "10.0.0.1", "1.0.0.10.in-addr.arpa", "node from dns"},
		{"files dns", "192.0.2.7", "7.2.0.192.in-addr.arpa", "line from files"},
		{"files dns", "192.0.2.9", "9.2.0.192.in-addr.arpa", " from "},
	} {
		l := &Lookup{
			Config: configOf(t, map[string]string{machine.ResolvConf: "nameserver 127.0.0.53\n", machine.Hosts: "192.0.2.7 line other\n"}),
			Ask:    known.ask, Listeners: []netip.AddrPort{ours},
		}
		_, predictions, err := l.Address(t.Context(), netip.MustParseAddr(tt.addr), tt.reverse)
		if err != nil || len(predictions) != 1 {
			t.Fatal(predictions, err)
		}
		if got := strings.Join(predictions[0].Found, " ") + " from " + predictions[0].Service; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.addr, got, tt.want)
		}
	}
}

// Without the daemon nothing is predicted.
func TestDaemonGone(t *testing.T) {
	t.Parallel()
	l := &Lookup{
		Config:    configOf(t, map[string]string{machine.ResolvConf: "nameserver 127.0.0.53\n"}),
		Ask:       func(context.Context, string, string) (Answer, error) { return Answer{}, errDaemon },
		Listeners: []netip.AddrPort{ours},
	}
	if _, _, err := l.Name(t.Context(), "node"); !errors.Is(err, errDaemon) {
		t.Errorf("got %v", err)
	}
}
