package resolver

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

// namesWorld is an upstream with aliases to what may be readable names.
var namesWorld = map[string][]string{
	"bare.example":  {"bare.example. 60 IN CNAME web-2.", "web-2. 60 IN A 6.6.6.6"},
	"local.example": {"local.example. 60 IN CNAME web-2.nodes.example.", "web-2.nodes.example. 60 IN A 6.6.6.6"},
	"twins.example": {"twins.example. 60 IN CNAME twins.nodes.example."},
	"file.example":  {"file.example. 60 IN CNAME db.", "db. 60 IN A 6.6.6.6"},
	"site.example.org": {
		"site.example.org. 60 IN CNAME db.site.example.", "db.site.example. 60 IN A 192.0.2.66",
	},
}

func startNamed(t *testing.T, store *zone.Store) *Server {
	t.Helper()
	world := newScript(t, namesWorld)
	b := newCaching(t, new(scripted), func(config *Config) {
		config.Zone = store.Snapshot
		config.Settings.Upstreams = Upstreams{Servers: []upstream.Server{world.server}}
	})
	return start(t, b.Server)
}

// An alias of another server's leads to the names of files and to local domains. A
// bare name that a cluster's node gives to itself is no name of that server's.
func TestAliasesToReadableNames(t *testing.T) {
	s := startNamed(t, newPathZone(t, zoneReady))
	for name, want := range map[string]string{
		"bare.example":     "bare.example. 60 IN CNAME web-2.",
		"local.example":    "local.example. 60 IN CNAME web-2.nodes.example. | web-2.nodes.example. 10 IN A 10.0.0.10",
		"twins.example":    "SERVFAIL",
		"file.example":     "file.example. 60 IN CNAME db. | db. 10 IN A 10.0.2.1",
		"site.example.org": "site.example.org. 60 IN CNAME db.site.example. | db.site.example. 10 IN A 10.0.2.2",
	} {
		m, _ := resolve(t.Context(), s, name, dns.TypeA)
		got := strings.Join(texts(m.Answer), " | ")
		if m.Rcode != dns.RcodeSuccess {
			got = wire.RcodeName(m.Rcode)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// What a server said of a name behind its alias counts no more once a file gives the
// name to a node.
func TestFileTakesANameFromTheCache(t *testing.T) {
	store := newPathZoneWith(t, zoneReady, false)
	s := startNamed(t, store)
	ask := func() string {
		m, _ := resolve(t.Context(), s, "site.example.org", dns.TypeA)
		return texts(m.Answer)[len(m.Answer)-1]
	}
	if got, want := ask(), "db.site.example. 60 IN A 192.0.2.66"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	before := store.Snapshot()
	setFiles(store)
	s.ZoneChanged(before, store.Snapshot())
	if got, want := ask(), "db.site.example. 10 IN A 10.0.2.2"; got != want {
		t.Errorf("with a file: got %s, want %s", got, want)
	}
}

// Changes of the zone that concern no name of a file leave the cache alone.
func TestOtherChangesKeepTheCache(t *testing.T) {
	store := newPathZone(t, zoneReady)
	s := newPathServer(t, store, nil)
	before := store.Snapshot()
	store.Source("another").Set(zone.Entry{ID: nobody, Addresses: testkit.Addrs("10.0.0.99"), Names: []string{"web-9"}})
	kept := s.cache.Stats().Entries
	if s.ZoneChanged(before, store.Snapshot()); kept == 0 || s.cache.Stats().Entries != kept {
		t.Errorf("of %d answers %d are left", kept, s.cache.Stats().Entries)
	}
}

// The reply to a contested name says which nodes claim it, for people.
// Shows RFC 8914 4.1.
func TestContestedName(t *testing.T) {
	s := newPathServer(t, newPathZone(t, zoneReady), nil)
	for _, name := range []string{"twins", "Twins.nodes.example"} {
		m, l := resolve(t.Context(), s, name, dns.TypeA)
		want := "the name is claimed by both " + twin + " and " + otherTwin
		if m.Rcode != dns.RcodeServerFailure || ede(m) != int(dns.ExtendedErrorCodeOther) || len(l.Extended) != 1 || l.Extended[0].ExtraText != want {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// PTR records have the name that is also first in the hosts file.
func TestPTROfReadableNames(t *testing.T) {
	store := newPathZone(t, zoneReady)
	for _, tt := range []struct {
		domains []string
		ptr     PTR
		want    []string // of 10.0.0.10, 10.0.2.1 and 10.0.2.2
	}{
		{[]string{"Nodes.Example."}, "", []string{"store.nodes.example.", "db.nodes.example.", "db.site.example."}},
		{nil, PTRName, []string{"store.", "db.", "db.site.example."}},
		{[]string{"nodes.example"}, PTRID, []string{theirs + ".", "db.", "db.site.example."}},
	} {
		s := newPathServer(t, store, func(s *Settings) { s.Domains, s.PTR = tt.domains, tt.ptr })
		var got []string
		for _, reverse := range []string{"10.0.0.10.in-addr.arpa", "1.2.0.10.in-addr.arpa", "2.2.0.10.in-addr.arpa"} {
			m, _ := resolve(t.Context(), s, reverse, dns.TypePTR)
			got = append(got, m.Answer[0].(*dns.PTR).Ptr)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("domains %v, %q: got %v, want %v", tt.domains, tt.ptr, got, tt.want)
		}
	}
	if _, err := New(Config{Zone: store.Snapshot, Settings: Settings{PTR: "names"}}); err == nil {
		t.Error("an unknown form of PTR records is accepted")
	}
}

// A node that has names says which its ID is.
func TestTextOfReadableNames(t *testing.T) {
	s := newPathServer(t, newPathZone(t, zoneReady), nil)
	for name, want := range map[string]string{
		"web-2": "id=" + theirs, "store.nodes.example": "id=" + theirs, "db": "id=db",
		longName: "id=" + longName, twin: "id=" + twin, addrless: "id=" + addrless,
	} {
		m, _ := resolve(t.Context(), s, name, dns.TypeTXT)
		if len(m.Answer) != 1 {
			t.Errorf("%s: %v", name, m)
			continue
		}
		text := strings.Join(m.Answer[0].(*dns.TXT).Txt, "")
		if !strings.HasPrefix(text, want+"state=") {
			t.Errorf("%s: got %s, want %s first", name, text, want)
		}
		if _, err := m.Pack(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
