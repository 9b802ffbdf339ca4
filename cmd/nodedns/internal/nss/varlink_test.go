package nss

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
)

// withResolve is a lookup on a machine that has nss-resolve and nothing else,
// whose socket replies the same to everything.
func withResolve(t *testing.T, reply string) (*Lookup, <-chan map[string]any) {
	t.Helper()
	l := &Lookup{Config: configOf(t, map[string]string{
		machine.Nsswitch: "hosts: resolve\n", fmt.Sprintf(module, "resolve"): "",
	})}
	return l, serveVarlink(t, l.Config, reply)
}

func TestResolve(t *testing.T) {
	t.Parallel()
	const six = `{"family":10,"address":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1]}`
	for _, tt := range []struct{ reply, want string }{
		{`{"parameters":{"addresses":[` + six + "," + six + `],"name":"node","flags":1}}` + "\x00", "resolve=success:return | 2001:db8::1 | 2001:db8::1"},
		{`{"parameters":{"addresses":[]}}` + "\x00", "resolve=notfound:continue |  |"},
		{`{"error":"io.systemd.Resolve.DNSError","parameters":{"rcode":3}}` + "\x00", "resolve=notfound:continue |  |"},
		{`{"error":"io.systemd.Resolve.NetworkDown"}` + "\x00", "resolve=tryagain:continue |  |"},
		{`{"error":"org.varlink.service.MethodNotFound"}` + "\x00", "resolve=unavail:continue |  |"},
		{"", "resolve=unavail:continue |  |"},
		{"garbage\x00", "resolve=unavail:continue |  |"},
		{
			`{"parameters":{"addresses":[{"address":[1,2,3]},{"address":[10,0,0,1]},{"address":[10,0,0,1]}]}}` + "\x00",
			"resolve=unavail:continue |  |", // no reply that nss-resolve understands
		},
	} {
		t.Run(tt.reply, func(t *testing.T) {
			t.Parallel()
			l, _ := withResolve(t, tt.reply)
			if got := predict(t, l, "node"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestResolveCalls(t *testing.T) {
	t.Parallel()
	l, calls := withResolve(t, `{"parameters":{"names":[{"ifindex":0,"name":"node"}],"flags":1}}`+"\x00")
	_, predictions, err := l.Address(t.Context(), netip.MustParseAddr("10.0.0.1"), "1.0.0.10.in-addr.arpa")
	if err != nil || strings.Join(predictions[0].Found, "") != "node" {
		t.Errorf("got %+v, %v", predictions, err)
	}
	got := fmt.Sprint(<-calls)
	if want := "map[method:io.systemd.Resolve.ResolveAddress parameters:map[address:[10 0 0 1] family:2 flags:0]]"; got != want {
		t.Errorf("called %s, want %s", got, want)
	}
	if _, _, err := l.Name(t.Context(), "node."); err != nil {
		t.Fatal(err)
	}
	got = fmt.Sprint(<-calls)
	if want := "map[method:io.systemd.Resolve.ResolveHostname parameters:map[family:0 flags:0 name:node.]]"; got != want {
		t.Errorf("called %s, want %s", got, want)
	}
}

// Where this daemon serves the socket it explains how it answers.
func TestResolveByTheDaemonItself(t *testing.T) {
	t.Parallel()
	tried := []Tried{{Name: "db.a.example", Type: "A", Rcode: "REFUSED", Step: "route"}, {Name: "db", Type: "A", Rcode: "NOERROR", Step: "single-label"}}
	for _, tt := range []struct {
		said Searched
		want string
	}{
		{Searched{Found: []string{"192.0.2.9"}, As: "db.b.example"}, "resolve=success:return | 192.0.2.9 | 192.0.2.9"},
		{Searched{Error: "io.systemd.Resolve.NoNameServers"}, "resolve=tryagain:continue |  |"},
		{Searched{Error: "io.systemd.Resolve.NoSuchResourceRecord"}, "resolve=notfound:continue |  |"},
		{Searched{Error: "io.systemd.Resolve.NoSource"}, "resolve=unknown: | unknown | unknown"},
	} {
		l, calls := withResolve(t, "")
		types := ""
		tt.said.Names, tt.said.Tried = []string{"db.a.example", "db"}, tried
		l.Dry = true
		l.Search = func(_ context.Context, name, typ string) (Searched, error) {
			types += name + ":" + typ + " "
			return tt.said, nil
		}
		if got := predict(t, l, "db"); got != tt.want || len(calls) > 0 {
			t.Errorf("got  %s\nwant %s, and no calls", got, tt.want)
		}
		if !strings.HasPrefix(types, "db: db:AAAA ") {
			t.Errorf("searched for %s; want both families, and then AAAA", types)
		}
		walk, predictions, err := l.Name(t.Context(), "db")
		if err != nil || len(walk.Results[0].Tried) != len(tried) || predictions[0].As != tt.said.As {
			t.Errorf("got %+v, %+v, %v", walk, predictions, err)
		}
	}
}

func TestResolveDry(t *testing.T) {
	t.Parallel()
	l, calls := withResolve(t, "")
	l.Dry = true
	if got := predict(t, l, "node"); got != "resolve=unknown: | unknown | unknown" || len(calls) > 0 {
		t.Errorf("got %s, after %d calls", got, len(calls))
	}
}

// A socket that no program serves is none.
func TestResolveDeadSocket(t *testing.T) {
	t.Parallel()
	m := configOf(t, map[string]string{machine.Nsswitch: "hosts: resolve\n", fmt.Sprintf(module, "resolve"): "", machine.VarlinkSocket: ""})
	if err := os.Chmod(filepath.Join(m.machine.Root, machine.VarlinkSocket), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := predict(t, &Lookup{Config: m}, "node"); got != "resolve=unavail:continue |  |" {
		t.Errorf("got %s", got)
	}
}
