package resolver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/upstream"
)

// "options rotate" of resolv.conf is about its own servers only.
// Shows resolv.conf(5) rotate.
func TestRotationIsTheMachines(t *testing.T) {
	t.Parallel()
	other := upstream.Plain(fakeUpstream(t, answering()))
	for name, tt := range map[string]struct {
		text    string
		servers []upstream.Server
		want    int
	}{
		"rotate":                 {"options edns0 rotate\n", []upstream.Server{Auto}, 2},
		"no rotate":              {"options edns0\n", []upstream.Server{Auto}, 1},
		"rotate, and others too": {"options rotate\n", []upstream.Server{other, Auto}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			text := "nameserver 192.0.2.1\nnameserver 192.0.2.2\n" + tt.text
			if err := os.WriteFile(filepath.Join(root, "resolv.conf"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			set := settings()
			set.Upstreams = Upstreams{Servers: tt.servers, Root: root, ResolvConf: "/resolv.conf"}
			s := newServer(t, set)
			first := map[string]bool{}
			for range 100 {
				first[s.current().targets.Servers.Order()[0].Server] = true
			}
			if len(first) != tt.want {
				t.Errorf("queries begin with %v", first)
			}
		})
	}
}

// A client that asks for signatures is told why it has none.
// Shows RFC 8914 4.11.
func TestReasonWithoutEDNS(t *testing.T) {
	t.Parallel()
	up := fakeUpstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if q.IsEdns0() != nil {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeFormatError))
			return
		}
		answering("www.example.org. 60 IN A 192.0.2.1")(w, q)
	})
	set := settings(up)
	set.Cache.Size = 1 << 20
	c := dial(t, start(t, newServer(t, set)), "udp")
	for i := range 2 {
		q := query("www.example.org", dns.TypeA)
		q.SetEdns0(1232, true)
		if m := c.exchange(q); len(m.Answer) != 1 || ede(m) != int(dns.ExtendedErrorCodeRRSIGsMissing) {
			t.Errorf("query %d: %v", i+1, m)
		}
		if m := c.exchange(withEDNS(query("www.example.org", dns.TypeA), 1232)); len(m.Answer) != 1 || ede(m) >= 0 {
			t.Errorf("query %d without DO: %v", i+1, m)
		}
	}
}
