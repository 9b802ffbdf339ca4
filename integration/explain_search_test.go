package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// searchedFor is a node that uses nss-resolve, with a search list of two
// domains: one without servers, and one of which the hosts file has names.
func searchedFor(t *testing.T, x *nss) *node {
	t.Helper()
	n := newNode(newLAN(t), "node").asksByResolve(noUpstream, "[[upstream.route]]", `domains = ["void.example"]`, "servers = []")
	n.address()
	n.write("/etc/hosts", userHosts+"192.0.2.7 db.lan.example\n192.0.2.8 deep.sub.lan.example\n192.0.2.9 scanner\n")
	n.write(resolvConf, "nameserver 127.0.0.53\nsearch void.example lan.example\n")
	n.boot()
	n.served(x)
	n.awaitReady()
	return n
}

// tried are the questions to the daemon on the way of a name: each with the
// step that settled it and what it got, and the names that it does not reach.
func (x *nss) tried(n *node, name string) (lines []string, e explanation, err error) {
	out, err := x.run(n.machine, binaries+"/nodedns", "explain", "--json", "--config", configFile, name)
	if err != nil {
		return nil, e, err
	}
	if err := decodeJSON(out, &e); err != nil {
		return nil, e, err
	}
	for _, s := range e.Library.Services {
		for _, q := range s.Tried {
			lines = append(lines, fmt.Sprintf("%s: %s %s %s by %s", s.Service, q.Name, q.Type, q.Rcode, q.Step))
		}
		for _, name := range s.Names {
			if !slices.ContainsFunc(s.Tried, func(q question) bool { return q.Name == name }) {
				lines = append(lines, fmt.Sprintf("%s: %s not reached", s.Service, name))
			}
		}
	}
	return lines, e, nil
}

// With nss-resolve in front the search list is nodedns's to apply. What each of
// its questions got is shown, and what is found is what getent finds.
func TestExplainTheSearchForNSSResolve(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	n := searchedFor(t, x)
	for _, tt := range []struct {
		name, as string
		want     []string
	}{
		{"db", "db.lan.example", []string{
			"resolve: db.void.example A NXDOMAIN by route", "resolve: db.void.example AAAA NXDOMAIN by route",
			"resolve: db.lan.example A NOERROR by hosts", "resolve: db.lan.example AAAA NOERROR by hosts",
			"resolve: db not reached",
		}},
		{"deep.sub", "deep.sub.lan.example", []string{
			"resolve: deep.sub A REFUSED by upstream", "resolve: deep.sub AAAA REFUSED by upstream",
			"resolve: deep.sub.void.example A NXDOMAIN by route", "resolve: deep.sub.void.example AAAA NXDOMAIN by route",
			"resolve: deep.sub.lan.example A NOERROR by hosts", "resolve: deep.sub.lan.example AAAA NOERROR by hosts",
		}},
		{"scanner", "scanner", []string{"resolve: scanner A NOERROR by hosts", "resolve: scanner AAAA NOERROR by hosts"}},
		{"nas", "", []string{
			"resolve: nas.void.example A NXDOMAIN by route", "resolve: nas.void.example AAAA NXDOMAIN by route",
			"resolve: nas.lan.example A REFUSED by upstream", "resolve: nas.lan.example AAAA REFUSED by upstream",
			"resolve: nas A NOERROR by single-label", "resolve: nas AAAA NOERROR by single-label",
		}},
	} {
		got, e, err := x.tried(n, tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: explained\n%s\nwant\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
		found, err := x.addresses(n.machine, x.finders()["getent"], tt.name)
		p := e.Predictions[0]
		if (err == nil) != (tt.as != "") || p.As != tt.as || fmt.Sprint(p.Found) != fmt.Sprint(found) {
			t.Errorf("%s: predicted %+v; getent finds %v, %v", tt.name, p, found, err)
		}
	}
}

// What is found is not denied elsewhere in the text, whichever service finds it,
// and under whatever name.
func TestExplainDoesNotDenyWhatIsFound(t *testing.T) {
	t.Parallel()
	x := needNSS(t)
	n := searchedFor(t, x)
	for i, hosts := range []string{"resolve [!UNAVAIL=return] files dns", "dns", "dns files", "files dns"} {
		n.write("/etc/nsswitch.conf", "passwd: files\nhosts: "+hosts+"\n")
		for _, name := range everyThird(i, "db", "deep.sub", "printer", "db.lan.example", n.id, "localhost", "192.0.2.7") {
			text, err := x.run(n.machine, binaries+"/nodedns", "explain", "--config", configFile, name)
			must(t, err)
			_, wrong := x.run(n.machine, "getent", "hosts", name)
			if wrong != nil {
				t.Errorf("hosts: %s: getent does not find %s: %v", hosts, name, wrong)
			}
			for line := range strings.Lines(text) {
				if words := strings.TrimSpace(line); strings.Contains(words, "no such record") || strings.Contains(words, "no A or AAAA record") && strings.HasPrefix(words, "result") {
					t.Errorf("hosts: %s: %s is found, and denied:\n%s", hosts, name, text)
				}
			}
		}
	}
}
