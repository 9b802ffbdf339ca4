package resolver

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/resolvconf"
)

func TestSearchRoute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, search, searchServers, servers, configured string
		want                                             string // "": none
	}{
		{"below local", "corp.local lab.example Sub.Corp.Local", "192.0.2.1:53", "192.0.2.2:53", "", "[corp.local Sub.Corp.Local] [192.0.2.1]"},
		{"its file has no server", "corp.local", "", "192.0.2.2:53", "", "[corp.local] [192.0.2.2]"},
		{"no server", "corp.local", "", "", "", ""},
		{"local itself", "local", "192.0.2.1:53", "", "", ""},
		{"another domain", "corp.example xlocal", "192.0.2.1:53", "", "", ""},
		{"a route has it", "corp.local lab.local", "192.0.2.1:53", "", "corp.local", "[lab.local] [192.0.2.1]"},
		{"a route has what it is in", "corp.local", "192.0.2.1:53", "", "local", ""},
		{"a route for the rest has not", "corp.local", "192.0.2.1:53", "", ".", "[corp.local] [192.0.2.1]"},
	} {
		var set Upstreams
		if c.configured != "" {
			set.Routes = []Route{{Domains: []string{c.configured}}}
		}
		table, err := set.table()
		if err != nil {
			t.Fatal(err)
		}
		var machine resolvconf.SystemConfig
		machine.Search = strings.Fields(c.search)
		machine.SearchServers = testkit.AddrPorts(strings.Fields(c.searchServers)...)
		machine.Servers = testkit.AddrPorts(strings.Fields(c.servers)...)
		route, found := searchRoute(machine, table)
		got := ""
		if found {
			got = fmt.Sprint(route.Domains, route.Servers)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
