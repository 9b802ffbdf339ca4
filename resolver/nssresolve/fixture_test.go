package nssresolve

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

const (
	ours   = "metropolis-00000000000000000000000000000001"
	theirs = "metropolis-0000000000000000000000000000000a"
	nobody = "metropolis-ffffffffffffffffffffffffffffffff"
)

// newZone is a ready zone with our node and another one.
func newZone(t testing.TB) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: ours})
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("10.0.0.1")})
	source := store.Source("curator")
	source.Begin()
	source.Set(zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.10", "2001:db9::a")})
	source.Complete()
	return store
}

func settings(upstreams ...netip.AddrPort) resolver.Settings {
	return resolver.Settings{
		Domains:   []string{"nodes.example"},
		TTL:       10 * time.Second,
		Upstreams: resolver.Upstreams{Servers: plain(upstreams...)},
	}
}

func plain(addrs ...netip.AddrPort) (servers []upstream.Server) {
	for _, addr := range addrs {
		servers = append(servers, upstream.Plain(addr))
	}
	return servers
}

func newResolver(t testing.TB, settings resolver.Settings) *Resolver {
	t.Helper()
	s, err := resolver.New(resolver.Config{Zone: newZone(t).Snapshot, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	return New(s)
}

// world is an upstream that has some names, and records what it was asked.
type world struct {
	mu    sync.Mutex
	asked []string
}

// worldRecords are all that there are; a name without any is there all the same
// if it is below another one's.
var worldRecords = []string{
	"www.example.org. 60 IN A 192.0.2.1", "www.example.org. 60 IN A 192.0.2.1",
	"www.example.org. 60 IN AAAA 2001:db8::1",
	"alias.example.org. 60 IN CNAME Middle.example.org.",
	"middle.example.org. 60 IN CNAME www.example.org.",
	"loop.example.org. 60 IN CNAME pool.example.org.", "pool.example.org. 60 IN CNAME loop.example.org.",
	"v4.example.org. 60 IN A 192.0.2.4",
	"half.example.org. 60 IN A 192.0.2.5",
	"box.one.example. 60 IN A 192.0.2.11", "box.two.example. 60 IN A 192.0.2.12",
	"nas.two.example. 60 IN A 192.0.2.22",
	"deep.sub.two.example. 60 IN A 192.0.2.32",
	"test.one.example. 60 IN A 192.0.2.41",
	"empty.one.example. 60 IN TXT there", "empty.two.example. 60 IN A 192.0.2.52",
	"broken-one.two.example. 60 IN A 192.0.2.62",
	"9.2.0.192.in-addr.arpa. 60 IN PTR www.example.org.", "9.2.0.192.in-addr.arpa. 60 IN PTR www.example.org.",
	`9.2.0.192.in-addr.arpa. 60 IN PTR evil\010name.example.`, "9.2.0.192.in-addr.arpa. 60 IN PTR -rf.example.",
	"8.2.0.192.in-addr.arpa. 60 IN CNAME 8.0-15.2.0.192.in-addr.arpa.",
	"8.0-15.2.0.192.in-addr.arpa. 60 IN PTR delegated.example.",
	"7.2.0.192.in-addr.arpa. 60 IN PTR .",
}

func (u *world) answer(w dns.ResponseWriter, q *dns.Msg) {
	asked := q.Question[0]
	name := strings.ToLower(asked.Name)
	u.mu.Lock()
	u.asked = append(u.asked, wire.WithoutDot(name)+" "+dns.TypeToString[asked.Qtype])
	u.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	switch {
	case strings.HasPrefix(name, "broken"), name == "nowhere.broken.one.example.", name == "half.example.org." && asked.Qtype == dns.TypeAAAA:
		if !strings.HasSuffix(name, ".two.example.") {
			m.Rcode = dns.RcodeServerFailure
			_ = w.WriteMsg(m)
			return
		}
	case strings.HasPrefix(name, "refused"):
		m.Rcode = dns.RcodeRefused
		_ = w.WriteMsg(m)
		return
	case strings.HasPrefix(name, "long"):
		const aliases = 300
		for n := range aliases {
			m.Answer = append(m.Answer, &dns.CNAME{
				Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60},
				Target: fmt.Sprintf("long%d.example.org.", n),
			})
			name = fmt.Sprintf("long%d.example.org.", n)
		}
		_ = w.WriteMsg(m)
		return
	}
	exists := false
	for range worldRecords {
		alias := ""
		for _, text := range worldRecords {
			rr, _ := dns.NewRR(text)
			if strings.ToLower(rr.Header().Name) != name {
				continue
			}
			exists = true
			if cname, ok := rr.(*dns.CNAME); ok {
				alias = strings.ToLower(cname.Target)
			}
			if rr.Header().Rrtype == asked.Qtype || alias != "" {
				m.Answer = append(m.Answer, rr)
			}
		}
		if alias == "" || strings.EqualFold(alias, asked.Name) {
			break
		}
		name = alias
	}
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(m)
}

func (u *world) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	asked := u.asked
	u.asked = nil
	return asked
}

// newSearching has a line for the hosts file, an upstream, and other content of
// resolv.conf.
func newSearching(t *testing.T, u *world, resolvConf string, snapshot func() *zone.Snapshot, changes ...func(*resolver.Settings)) *Resolver {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"hosts":       "10.9.9.9 box.corp printer\n2001:db8::9 six\n10.9.9.8 Lab.Corp lab\n10.9.9.7 Solo\n",
		"resolv.conf": resolvConf + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set := settings()
	if u != nil {
		set.Upstreams.Servers = plain(nameserver.Serve(t, u.answer, u.answer))
	}
	for _, change := range changes {
		change(&set)
	}
	set.Upstreams.Root, set.Upstreams.ResolvConf = dir, "/resolv.conf"
	s, err := resolver.New(resolver.Config{
		Zone: snapshot, Settings: set,
		Hosts: hosts.Config{Root: dir, Path: "/hosts", Zone: hosts.Zone{Prefix: zone.DefaultPrefix, Local: ours}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(s)
}
