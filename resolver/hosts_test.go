package resolver

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/zone"
)

// A name that a line of the hosts file has exists, whatever an upstream answers
// for it, now or a while ago.
func TestNameInTheHostsFileIsNotDenied(t *testing.T) {
	alias, err := dns.NewRR("aliased.example.org. 60 IN CNAME gone.example.org.")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		name    string
		qtype   uint16
		aliased bool
		rcode   int
	}{
		"another type":           {"known.example.org", dns.TypeMX, false, dns.RcodeSuccess},
		"in another case":        {"Known.Example.Org", dns.TypeTXT, false, dns.RcodeSuccess},
		"a reverse name":         {"8.8.8.8.in-addr.arpa", dns.TypeTXT, false, dns.RcodeSuccess},
		"a single label":         {"short", dns.TypeMX, false, dns.RcodeSuccess},
		"a name below it":        {"x.known.example.org", dns.TypeMX, false, dns.RcodeNameError},
		"no such line":           {"unknown.example.org", dns.TypeMX, false, dns.RcodeNameError},
		"the end of its aliases": {"aliased.example.org", dns.TypeMX, true, dns.RcodeNameError},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			u := newScripted(t, func(w dns.ResponseWriter, q *dns.Msg) {
				m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
				m.AuthenticatedData = true
				soa, _ := dns.NewRR(soa60)
				m.Ns = []dns.RR{soa}
				if tt.aliased {
					m.Answer = []dns.RR{alias}
				}
				_ = w.WriteMsg(m)
			})
			c := newCachingWithHosts(t, u, "192.0.2.8 known.example.org short aliased.example.org\n8.8.8.8 eight\n")
			start(t, c.Server)
			for _, age := range []struct {
				text  string
				sleep time.Duration
				code  int
			}{{"asked", 0, -1}, {"from the cache", time.Second, -1}, {"stale", 2 * time.Minute, 3}} {
				if age.code >= 0 {
					u.become(failing)
				}
				c.sleep(age.sleep)
				q := withEDNS(query(tt.name, tt.qtype), 1232)
				q.AuthenticatedData = true
				m := dial(t, c.Server, "udp").exchange(q)
				code := age.code
				if code == 3 && tt.rcode == dns.RcodeNameError {
					code = 19
				}
				denied := tt.rcode == dns.RcodeNameError
				if m.Rcode != tt.rcode || len(m.Ns) != 1 || ede(m) != code || m.AuthenticatedData != (denied && age.code < 0) {
					t.Errorf("%s: got\n%v", age.text, m)
				}
			}
		})
	}
}

func newCachingWithHosts(t *testing.T, u *scripted, lines string) *caching {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	return newCaching(t, u, func(config *Config) {
		config.Settings.Upstreams.TrustAD = true
		config.Hosts = hosts.Config{Path: path, Zone: hosts.Zone{Prefix: zone.DefaultPrefix, Local: ours}}
	})
}
