package inspect

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

const (
	ours     = "metropolis-00000000000000000000000000000001"
	theirs   = "metropolis-0000000000000000000000000000000a"
	departed = "metropolis-0000000000000000000000000000000b"
	addrless = "metropolis-0000000000000000000000000000000c"
	nobody   = "metropolis-ffffffffffffffffffffffffffffffff"

	soa60 = "example.org. 60 IN SOA a. b. 1 2 3 4 60"
)

// bootClock and wallClock are the time of a scene that is set up.
const bootClock = 1000 * time.Hour

var wallClock = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// zoneState is what a zone is like.
type zoneState string

const (
	zoneReady    zoneState = "ready"
	zoneUnready  zoneState = "not ready"
	zoneLost     zoneState = "cluster lost"
	zoneNameless zoneState = "our own address unknown"
)

// newZone has a node of each kind.
func newZone(t *testing.T, state zoneState) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{
		Local: ours,
		Clock: func() time.Duration { return bootClock - time.Hour },
		Now:   func() time.Time { return wallClock },
	})
	if err != nil {
		t.Fatal(err)
	}
	if state == zoneUnready {
		return store
	}
	if state != zoneNameless {
		store.SetLocal(testkit.Addrs("10.0.0.1", "2001:db9::1"))
	}
	source := store.Source("curator")
	source.Expect(true)
	source.SetConnected(true)
	source.Begin()
	source.Set(
		zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.10", "2001:db9::a")},
		zone.Entry{ID: departed, Addresses: testkit.Addrs("10.0.0.11")},
		zone.Entry{ID: addrless},
	)
	source.Complete()
	source.Gone(departed)
	if state == zoneLost {
		source.SetConnected(false)
	}
	return store
}

// script is an upstream that answers a question with lines of a zone file, and
// with the response code among them. The SOA goes to the authority section.
// What it lacks exists without records, which no cache keeps.
type script struct {
	addr netip.AddrPort

	mu      sync.Mutex
	answers map[string][]string // by name and type, as in "www.example.org A"
	asked   []string            // so
}

func newScript(t *testing.T, answers map[string][]string) *script {
	t.Helper()
	u := &script{answers: answers}
	u.addr = nameserver.Serve(t, u.answer, u.answer)
	return u
}

func (u *script) answer(w dns.ResponseWriter, q *dns.Msg) {
	question := strings.ToLower(strings.TrimSuffix(q.Question[0].Name, ".")) + " " + dns.TypeToString[q.Question[0].Qtype]
	u.mu.Lock()
	lines := u.answers[question]
	u.asked = append(u.asked, question)
	u.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	for _, line := range lines {
		if rcode, ok := dns.StringToRcode[line]; ok {
			m.Rcode = rcode
			continue
		}
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		if rr.Header().Rrtype == dns.TypeSOA {
			m.Ns = append(m.Ns, rr)
		} else {
			m.Answer = append(m.Answer, rr)
		}
	}
	if w.RemoteAddr().Network() == "udp" {
		m.Truncate(int(q.IsEdns0().UDPSize()))
	}
	_ = w.WriteMsg(m)
}

// take returns what was asked since the last time.
func (u *script) take() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	asked := u.asked
	u.asked = nil
	return asked
}

func (u *script) become(answers map[string][]string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answers = answers
}

func plain(addrs ...netip.AddrPort) (servers []upstream.Server) {
	for _, addr := range addrs {
		servers = append(servers, upstream.Plain(addr))
	}
	return servers
}

// scene is a Server that nothing runs, and a clock that only a test moves.
type scene struct {
	Inspector
	boot  atomic.Int64
	lines string // path of the hosts file
}

func (s *scene) at(boot time.Duration) { s.boot.Store(int64(boot)) }

// newScene has a ready zone and a hosts file.
func newScene(t *testing.T, store *zone.Store, upstreams resolver.Upstreams) *scene {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	upstreams.ResolvConf = write("resolv.conf", "search corp.example\n")
	s := &scene{lines: write("hosts", "192.168.1.7 printer.lan printer\n2001:db8::7 printer.lan\n127.0.1.1 debian\n10.0.0.11 old\n")}
	s.at(bootClock)
	server, err := resolver.New(resolver.Config{
		Zone: store.Snapshot,
		Settings: resolver.Settings{
			Domains:   []string{"nodes.example"},
			TTL:       10 * time.Second,
			Allow:     []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
			Upstreams: upstreams,
			Cache:     resolver.Cache{Size: 1 << 20, ServeStale: time.Hour},
		},
		Hosts: resolver.HostsFile{Path: s.lines, Zone: resolver.HostsZone{Prefix: zone.DefaultPrefix, Local: ours}},
		Clock: func() time.Duration { return time.Duration(s.boot.Load()) },
		Now:   func() time.Time { return wallClock },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Inspector = Inspector{Server: server, Refusal: store.Refusal}
	return s
}

// newFullScene has data for every step of a decision: of the cache an answer of
// each kind. The servers answer with no records to anything else.
func newFullScene(t *testing.T, state zoneState, transport upstream.Transport) (s *scene, up *script) {
	t.Helper()
	up = newScript(t, nil)
	s = newScene(t, newZone(t, state), resolver.Upstreams{
		Servers: []upstream.Server{{Transport: transport, Addr: up.addr}},
		Routes:  []resolver.Route{{Domains: []string{"void.example"}}, {Domains: []string{"routed.example"}, Servers: plain(up.addr)}},
	})
	for _, kept := range []struct {
		age     time.Duration
		answers map[string][]string
	}{
		{10 * time.Minute, map[string][]string{
			"due.example.org A":   {"due.example.org. 60 IN A 192.0.2.3"},
			"stale.example.org A": {"stale.example.org. 60 IN A 192.0.2.3"},
		}},
		{58 * time.Second, map[string][]string{"late.example.org A": {"late.example.org. 60 IN A 192.0.2.4"}}},
		{10 * time.Second, map[string][]string{
			"www.example.org A":    {"www.example.org. 300 IN CNAME host.example.org.", "host.example.org. 200 IN A 192.0.2.1", "host.example.org. 200 IN A 192.0.2.2"},
			"www.example.org AAAA": {soa60},
			"absent.example.org A": {"NXDOMAIN", soa60},
			// The hosts file has this name, so that it exists even if an upstream denies
			// it.
			"printer.lan TXT": {"NXDOMAIN", ". 60 IN SOA a. b. 1 2 3 4 60"},
		}},
		{time.Second, map[string][]string{"alias.example.org A": {"alias.example.org. 60 IN CNAME " + theirs + ".nodes.example."}}},
		{0, map[string][]string{"broken.example.org A": {"SERVFAIL"}, "stale.example.org A": {"SERVFAIL"}}},
	} {
		s.at(bootClock - kept.age)
		up.become(kept.answers)
		for question := range kept.answers {
			name, qtype, _ := strings.Cut(question, " ")
			if _, err := s.Query(t.Context(), name, qtype); err != nil {
				t.Fatal(err)
			}
		}
	}
	up.become(nil)
	up.take()
	return s, up
}

// explain explains a question.
func (s *scene) explain(t *testing.T, name string, qtype uint16, dry bool) *Explanation {
	t.Helper()
	e, err := s.Explain(t.Context(), name, typeText(qtype), dry)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// typeText is a type in a form that no mnemonic is needed for.
func typeText(qtype uint16) string { return fmt.Sprintf("TYPE%d", qtype) }
