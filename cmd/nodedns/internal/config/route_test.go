package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	c, err := Parse("f", []byte(`
[[upstream.route]]
domains = ["Corp.Example.", "10.in-addr.arpa"]
servers = ["10.0.0.2", "tls://10.0.0.3#dns.corp.example"]
[[upstream.route]]
domains = ["."]
servers = []
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "[{[corp.example 10.in-addr.arpa] [10.0.0.2 tls://10.0.0.3#dns.corp.example]} {[.] []}]"
	if got := fmt.Sprint(c.DNS.Upstreams.Routes); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if changed, restart := Diff(defaults(t), c); fmt.Sprint(changed) != "[upstream.route]" || len(restart) != 0 {
		t.Errorf("changed %v, restart for %v", changed, restart)
	}
}

func TestRoutesRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ route, want string }{
		"no tables":        {`route = "x"`, "tables [[upstream.route]]"},
		"list of strings":  {`route = ["x"]`, "a table [[upstream.route]]"},
		"nothing":          {"[[upstream.route]]", "domains is missing"},
		"no servers":       {"[[upstream.route]]\ndomains = [\"a.example\"]", "servers is missing"},
		"empty domains":    {"[[upstream.route]]\ndomains = []\nservers = []", "domains is empty"},
		"a bad domain":     {"[[upstream.route]]\ndomains = [\"a..b\"]\nservers = []", "corp.example"},
		"a bad server":     {"[[upstream.route]]\ndomains = [\"a.example\"]\nservers = [\"x\"]", "servers: "},
		"auto":             {"[[upstream.route]]\ndomains = [\"a.example\"]\nservers = [\"auto\"]", "auto is for upstream.servers"},
		"an unknown key":   {"[[upstream.route]]\ndomains = [\"a.example\"]\nservers = []\nserver = 1", "unknown key \"server\""},
		"a domain twice":   {"[[upstream.route]]\ndomains = [\"a.example\"]\nservers = []\n[[upstream.route]]\ndomains = [\"A.example.\"]\nservers = []", "route 2: \"a.example\" is in route 1"},
		"which of them it": {"[[upstream.route]]\ndomains = [\"a.example\"]\nservers = []\n[[upstream.route]]\ndomains = [\"-\"]\nservers = []", "route 2: domains: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("f.toml", []byte("[upstream]\n"+test.route), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "f.toml:2: upstream.route: ") {
				t.Errorf("got %v, want %q on line 2", err, test.want)
			}
		})
	}
}
