package nodedns

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// third is a node of the tests.
const third = "metropolis-22222222222222222222222222222222"

// The status as programs read it: of a Service with nothing that could be left
// out, and of one with something in each part. Neither runs.
func TestStatusJSON(t *testing.T) {
	t.Parallel()
	server := func(text string) upstream.Server {
		return upstream.Plain(netip.MustParseAddrPort(text))
	}
	bare := prepare(t, func(c *Config) { c.Files, c.Listen = Files{Root: c.Files.Root}, nil })
	full := prepare(t, func(c *Config) {
		c.ResolvConf.Path, c.ResolvConf.RunDir = "/etc/resolv.conf", filepath.Join(c.Files.Root, "run")
		c.Listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.53:53"), netip.MustParseAddrPort("[fe80::1%br0]:53")}
		c.VarlinkSocket = filepath.Join(c.Files.Root, "varlink")
		c.Endpoints, c.Credentials = endpoints("192.0.2.11:7835", "192.0.2.12:7835#"+other), filepath.Join(c.Files.Root, "credentials")
		c.DNS.Upstreams.Servers = []upstream.Server{server("192.0.2.53:53"), server("[2001:db8::53]:5353")}
		c.DNS.Upstreams.Routes = []resolver.Route{{Domains: []string{"corp.example"}, Servers: []upstream.Server{server("192.0.2.53:53")}}}
	})
	for path, text := range map[string]string{"etc/hosts": "10.0.0.1 fine\nnonsense\n", "etc/resolv.conf": "nameserver 192.0.2.1\n"} {
		if err := os.WriteFile(filepath.Join(full.root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	full.Zone().SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")})
	source := full.nodes
	source.Begin()
	source.Set(
		zone.Entry{ID: other, Addresses: testkit.Addrs("192.0.2.7")},
		zone.Entry{ID: third, Addresses: testkit.Addrs("192.0.2.7")},
		zone.Entry{ID: "node7"},
	)
	source.Complete()
	if err := full.TrustCurator(third); err != nil {
		t.Fatal(err)
	}
	full.ReportReload(errors.New("a key is wrong"))
	for name, f := range map[string]*fixture{"status_bare": bare, "status_full": full} {
		got, err := json.MarshalIndent(f.Status(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(got), f.root, "ROOT") + "\n"
		text = regexp.MustCompile(`"`+time.Now().Format("2006")+`-[-0-9]+T[:.0-9]+Z"`).ReplaceAllString(text, `"NOW"`)
		text = regexp.MustCompile(`"serial": \d+`).ReplaceAllString(text, `"serial": 1`)
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("got\n%s\nwant, as in %s,\n%s", text, path, want)
		}
	}
}
