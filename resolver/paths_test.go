package resolver

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/zone"
)

const (
	departed  = "metropolis-0000000000000000000000000000000b"
	addrless  = "metropolis-0000000000000000000000000000000c"
	twin      = "metropolis-0000000000000000000000000000001a"
	otherTwin = "metropolis-0000000000000000000000000000001b"
	pathClock = 1000 * time.Hour
)

// longName is as long as a readable name can be.
var longName = strings.Repeat("a23456789012345678901234567890.", 8) + "abcde"

// zoneState is what a zone is like that paths are compared over.
type zoneState string

const (
	zoneReady    zoneState = "ready"
	zoneUnready  zoneState = "not ready"
	zoneLost     zoneState = "cluster lost"
	zoneNameless zoneState = "our own address unknown"
)

// newPathZone has a node of each kind.
func newPathZone(t testing.TB, state zoneState) *zone.Store {
	t.Helper()
	return newPathZoneWith(t, state, true)
}

// newPathZoneWith is newPathZone with readable names or without.
func newPathZoneWith(t testing.TB, state zoneState, names bool) *zone.Store {
	t.Helper()
	now := pathClock - time.Hour
	store, err := zone.NewStore(zone.Config{
		Local: ours,
		Clock: func() time.Duration { return now },
		Now:   func() time.Time { return wallClock },
	})
	if err != nil {
		t.Fatal(err)
	}
	if state == zoneUnready {
		return store
	}
	if state != zoneNameless {
		store.SetLocal([]netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("2001:db9::1")})
	}
	source := store.Source("curator")
	source.Expect(true)
	source.SetConnected(true)
	source.Begin()
	entries := []zone.Entry{
		{ID: ours, Names: []string{"self"}},
		{ID: theirs, Addresses: testkit.Addrs("10.0.0.10", "2001:db9::a"), Names: []string{"web-2"}},
		{ID: departed, Addresses: testkit.Addrs("10.0.0.11"), Names: []string{"left"}},
		{ID: addrless, Names: []string{"blank"}},
		{ID: twin, Addresses: testkit.Addrs("10.0.0.26"), Names: []string{"twins"}},
		{ID: otherTwin, Addresses: testkit.Addrs("10.0.0.27"), Names: []string{"twins"}},
	}
	for i := range entries {
		if !names {
			entries[i].Names = nil
		}
	}
	source.Set(entries...)
	source.Complete()
	source.Gone(departed)
	if names {
		setFiles(store)
	}
	if state == zoneLost {
		source.SetConnected(false)
	}
	return store
}

// setFiles adds nodes and names of a file.
func setFiles(store *zone.Store) {
	files := store.FileSource("files")
	files.Begin()
	files.Set(
		zone.Entry{ID: "db", Addresses: testkit.Addrs("10.0.2.1", "2001:db9::2:1")},
		zone.Entry{ID: "db.site.example", Addresses: testkit.Addrs("10.0.2.2")},
		zone.Entry{ID: longName, Addresses: testkit.Addrs("10.0.2.3")},
		zone.Entry{ID: theirs, Names: []string{"store"}},
	)
	files.Complete()
}

// newPathServer is a server that has data for every step of a decision,
// and has no place for a query that has to wait: what would be forwarded is
// refused, on the same path.
func newPathServer(t testing.TB, store *zone.Store, change func(*Settings)) *Server {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "192.168.7.%d crowd\n", i+1)
	}
	set := settings(netip.MustParseAddrPort("127.0.0.1:9"))
	set.DisableFastPath = false
	set.Cache = Cache{Size: 1 << 20, ServeStale: time.Hour}
	set.Upstreams.TrustAD = true
	set.Upstreams.ResolvConf = write("resolv.conf", "search corp.example\n")
	set.Upstreams.Routes = []Route{{Domains: []string{"void.example"}}, {Domains: []string{"routed.example"}, Servers: set.Upstreams.Servers}}
	if change != nil {
		change(&set)
	}
	s, err := New(Config{
		Zone:     store.Snapshot,
		Settings: set,
		Hosts: hosts.Config{
			Path: write("hosts", "192.168.1.7 printer.lan printer\n2001:db8::7 printer.lan\n127.0.1.1 debian\n10.0.0.11 old\n10.0.0.1 older\n"+many.String()),
			Zone: hosts.Zone{Prefix: "metropolis-", Local: ours},
		},
		Clock: func() time.Duration { return pathClock },
		Now:   func() time.Time { return wallClock },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.forward.InFlight = make(chan struct{})
	fillCache(t, s)
	return s
}

// fillCache puts a reply of each kind into a server's cache.
func fillCache(t testing.TB, s *Server) {
	t.Helper()
	var traits cache.Traits
	put := func(name string, qtype uint16, age time.Duration, change func(*dns.Msg), records ...string) {
		for _, bits := range [][2]bool{{}, {true, false}, {false, true}, {true, true}} {
			m := new(dns.Msg).SetReply(query(name, qtype))
			m.AuthenticatedData = true
			for _, text := range records {
				rr, err := dns.NewRR(text)
				if err != nil {
					t.Fatal(err)
				}
				if rr.Header().Rrtype == dns.TypeSOA {
					m.Ns = append(m.Ns, rr)
				} else {
					m.Answer = append(m.Answer, rr)
				}
			}
			if change != nil {
				change(m)
			}
			wire, err := decision.ParseName(name)
			if err != nil {
				t.Fatal(err)
			}
			if !s.cache.Put(cache.Key{Name: wire, Type: qtype, DO: bits[0], CD: bits[1]}, m, traits, s.cache.Epoch(), pathClock-age) {
				t.Fatalf("%s is not kept", name)
			}
		}
	}
	why := &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeFiltered, ExtraText: "as told upstream"}
	denied := func(m *dns.Msg) {
		m.Rcode = dns.RcodeNameError
		m.Extra = []dns.RR{&dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: []dns.EDNS0{why}}}
	}
	fail := func(name string) {
		wire, _ := decision.ParseName(name)
		failure := cache.Failure{Rcode: dns.RcodeServerFailure, Extended: []*dns.EDNS0_EDE{why}}
		for _, bits := range [][2]bool{{}, {true, false}, {false, true}, {true, true}} {
			if !s.cache.Fail(cache.Key{Name: wire, Type: dns.TypeA, DO: bits[0], CD: bits[1]}, failure, s.cache.Epoch(), pathClock) {
				t.Fatalf("that %s fails is not kept", name)
			}
		}
	}
	put("www.example.org", dns.TypeA, 10*time.Second, nil,
		"www.example.org. 300 IN CNAME host.example.org.", "host.example.org. 200 IN A 192.0.2.1", "host.example.org. 200 IN A 192.0.2.2")
	put("www.example.org", dns.TypeAAAA, 10*time.Second, nil, soa60)
	put("absent.example.org", dns.TypeA, 10*time.Second, denied, soa60)
	// The hosts file has this name, so that it exists even if an upstream denies
	// it.
	put("printer.lan", dns.TypeTXT, time.Second, denied, soa60)
	fail("broken.example.org")
	put("due.example.org", dns.TypeA, 10*time.Minute, nil, "due.example.org. 60 IN A 192.0.2.3")
	put("stale.example.org", dns.TypeA, 10*time.Minute, nil, "stale.example.org. 60 IN A 192.0.2.3")
	fail("stale.example.org")
	put("late.example.org", dns.TypeA, 58*time.Second, nil, "late.example.org. 60 IN A 192.0.2.4")
	traits = cache.Open
	put("alias.example.org", dns.TypeA, time.Second, nil, "alias.example.org. 60 IN CNAME "+theirs+".nodes.example.")
	traits = 0
	put(".", dns.TypeNS, time.Second, nil, ". 60 IN NS a.root-servers.net.")
	var long []string
	for i := range 50 {
		long = append(long, fmt.Sprintf("long.example.org. 60 IN A 192.0.2.%d", i))
	}
	put("long.example.org", dns.TypeA, time.Second, nil, long...)
	put("longer.example.org", dns.TypeTXT, time.Second, nil,
		"longer.example.org. 60 IN TXT "+strings.Repeat(`"`+strings.Repeat("x", 200)+`" `, 10))
}

// paths are two servers with the same data, and different paths.
type paths struct {
	fast, ordinary *Server
}

func newPaths(t testing.TB, state zoneState) paths {
	store := newPathZone(t, state)
	p := paths{
		fast:     newPathServer(t, store, nil),
		ordinary: newPathServer(t, store, func(s *Settings) { s.DisableFastPath = true }),
	}
	p.ordinary.replies.Cookies = p.fast.replies.Cookies // the same secret
	return p
}

// compare wants the same reply on both paths.
func (p paths) compare(t *testing.T, message []byte, client listen.Client) {
	t.Helper()
	fast, wait := p.fast.Handle(slices.Clone(message), client, make([]byte, 0, 4096))
	ordinary, alsoWait := p.ordinary.Handle(slices.Clone(message), client, make([]byte, 0, 4096))
	if wait != nil || alsoWait != nil {
		t.Fatalf("%x: a query waits without a place", message)
	}
	if (fast == nil) != (ordinary == nil) {
		t.Fatalf("%x: one path is silent:\nfast     %x\nordinary %x", message, fast, ordinary)
	}
	if string(fast) != string(ordinary) {
		if got, want := spoken(t, fast), spoken(t, ordinary); got != want {
			t.Errorf("%x:\n--- fast\n%s\n--- ordinary\n%s", message, got, want)
		}
		if len(fast) > len(ordinary) {
			t.Errorf("%x: %d octets, on the ordinary path %d", message, len(fast), len(ordinary))
		}
	}
}

// compareStats wants the same counted, which it is not if anything is decided
// twice.
func (p paths) compareStats(t *testing.T) {
	t.Helper()
	if got, want := p.fast.Stats(), p.ordinary.Stats(); !reflect.DeepEqual(got, want) {
		t.Errorf("counted %+v, on the ordinary path %+v", got, want)
	}
}

func clientAt(addr string) listen.Client {
	return listen.Client{Addr: netip.MustParseAddrPort(addr)}
}

// spoken is the whole content of a reply, as text. Names that a server
// compressed are spelled in another case when they come from the cache, which
// only a reply without AA can.
func spoken(t *testing.T, reply []byte) string {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(reply); err != nil {
		t.Fatalf("%x cannot be read: %v", reply, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%+v\n%x\n%+v\n", m.MsgHdr, binary.BigEndian.Uint64(reply[4:]), m.Question)
	for _, section := range [...][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			text := fmt.Sprintf("%+v %s", rr.Header().Class, rr)
			if !m.Authoritative && rr.Header().Rrtype != dns.TypeOPT {
				if h := rr.Header(); strings.EqualFold(h.Name, m.Question[0].Name) && h.Name != m.Question[0].Name {
					t.Errorf("the owner %q is not spelled as in the question", h.Name)
				}
				text = strings.ToLower(text)
			}
			fmt.Fprintln(&b, text)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// variants are the forms that a query for a name and type comes in.
func variants(name string, qtype uint16) (messages []*dns.Msg) {
	for _, change := range []func(*dns.Msg){
		func(*dns.Msg) {},
		func(m *dns.Msg) { m.RecursionDesired, m.AuthenticatedData = false, true },
		func(m *dns.Msg) { m.CheckingDisabled = true },
		func(m *dns.Msg) { m.Question[0].Name = strings.ToUpper(m.Question[0].Name) },
		func(m *dns.Msg) { m.SetEdns0(1232, false) },
		func(m *dns.Msg) { m.SetEdns0(100, true) },
		func(m *dns.Msg) { m.SetEdns0(65535, true) },
		func(m *dns.Msg) {
			withEDNS(m, 1232, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"})
		},
		func(m *dns.Msg) {
			withEDNS(m, 512, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: strings.Repeat("01", 24)}).CheckingDisabled = true
		},
		func(m *dns.Msg) { withEDNS(m, 1232, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "00"}) },
		func(m *dns.Msg) { withEDNS(m, 1232, &dns.EDNS0_PADDING{Padding: make([]byte, 8)}) },
		func(m *dns.Msg) { withEDNS(m, 1232, &dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}) },
		func(m *dns.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetVersion(1) },
		func(m *dns.Msg) { m.SetEdns0(1232, false); m.IsEdns0().SetZ(1) },
		func(m *dns.Msg) { m.Truncated, m.Zero = true, true },
		func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify },
		func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
	} {
		m := query(name, qtype)
		m.Id = 0x1234
		change(m)
		messages = append(messages, m)
	}
	return messages
}

// pathNames have a case for every step of a decision.
var pathNames = []string{
	ours, theirs, departed, addrless, nobody, "x." + theirs,
	ours + ".nodes.example", nobody + ".Nodes.example", "nodes.example", "www.nodes.example", theirs + ".corp.example",
	"1.0.0.10.in-addr.arpa", "10.0.0.10.in-addr.arpa", "11.0.0.10.in-addr.arpa", "99.0.0.10.in-addr.arpa", "0.10.in-addr.arpa",
	"a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.b.d.0.1.0.0.2.ip6.arpa",
	"web-2", "left", "blank", "self", "twins", "web-2.nodes.example", "twins.Nodes.example", "x.web-2", "mail",
	"db", "x.db", "db.nodes.example", "db.corp.example", "db.site.example", "site.example.nodes.example", "store", longName, `db\.site.example`,
	"1.2.0.10.in-addr.arpa", "2.2.0.10.in-addr.arpa", "3.2.0.10.in-addr.arpa", "26.0.0.10.in-addr.arpa",
	"localhost", "x.localhost", "1.0.0.127.in-addr.arpa", "2.0.0.127.in-addr.arpa", "1.1.0.127.in-addr.arpa",
	"printer", "printer.lan", "7.1.168.192.in-addr.arpa", "crowd", "debian",
	"www.void.example", "www.routed.example", "www.invalid", "x.onion", "printer.local", "_dns.resolver.arpa",
	"scanner", `a\.b`, `a\000b.nodes.example`, ".", "0123456789abcdef.nodedns-loop.test",
	"www.example.org", "absent.example.org", "broken.example.org", "due.example.org", "stale.example.org", "late.example.org", "alias.example.org",
	"long.example.org", "longer.example.org", "unknown.example.org",
	strings.Repeat("a23456789012345678901234567890.", 8) + "nodes.example",
}

var pathTypes = []uint16{
	dns.TypeA, dns.TypeAAAA, dns.TypePTR, dns.TypeTXT, dns.TypeNS, dns.TypeSOA, dns.TypeHTTPS, dns.TypeANY,
	dns.TypeAXFR, dns.TypeOPT, dns.TypeNone, dns.TypeTSIG, 256, 65534,
}

// Whatever is asked, both paths give the same answer.
func TestPathsAgree(t *testing.T) {
	for _, state := range []zoneState{zoneReady, zoneUnready, zoneLost, zoneNameless} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			p := newPaths(t, state)
			for _, name := range pathNames {
				for _, qtype := range pathTypes {
					for _, m := range variants(name, qtype) {
						message, err := m.Pack()
						if err != nil {
							t.Fatal(err)
						}
						p.compare(t, message, clientAt("127.0.0.1:1234"))
						p.compare(t, message, clientAt("192.0.2.1:53"))
						overTCP := clientAt("[::ffff:127.0.0.1]:1234")
						overTCP.TCP = true
						p.compare(t, message, overTCP)
					}
				}
				p.compareStats(t)
			}
		})
	}
}

// FuzzPaths feeds any bytes to both paths.
func FuzzPaths(f *testing.F) {
	for _, name := range pathNames {
		for _, m := range variants(name, dns.TypeA)[:9] {
			f.Add(packed(f, m), false)
		}
	}
	states := []paths{newPaths(f, zoneReady), newPaths(f, zoneUnready), newPaths(f, zoneLost)}
	f.Fuzz(func(t *testing.T, message []byte, tcp bool) {
		for _, p := range states {
			client := clientAt("127.0.0.1:1234")
			client.TCP = tcp
			p.compare(t, message, client)
			p.compareStats(t)
		}
	})
}
