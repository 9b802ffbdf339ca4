package nssresolve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/varlink"
	"github.com/nodedns/nodedns/zone"
)

// found is the result for a program, in one line.
func found(s *Resolver, q varlink.HostnameQuestion, t *testing.T) string {
	t.Helper()
	all, err := s.ResolveHostname(t.Context(), q)
	if err != nil {
		return errorID(t, err)
	}
	return fmt.Sprint(all.Canonical, " ", all.All)
}

func errorID(t *testing.T, err error) string {
	t.Helper()
	failed := (*varlink.Error)(nil)
	if !errors.As(err, &failed) {
		t.Fatalf("%v is no error of varlink", err)
	}
	return failed.ID[strings.LastIndexByte(failed.ID, '.')+1:]
}

// Shows RFC 1034 5.2.2.
// Shows io.systemd.Resolve ResolveHostname.
func TestResolveHostname(t *testing.T) {
	t.Parallel()
	u := new(world)
	s := newSearching(t, u, "search one.example two.example", newZone(t).Snapshot)
	const v4, v6 = 4, 6
	for _, tt := range []struct {
		name   string
		family int // 0: both
		want   string
	}{
		{theirs, 0, theirs + " [10.0.0.10 2001:db9::a]"},
		{theirs, v4, theirs + " [10.0.0.10]"},
		{theirs, v6, theirs + " [2001:db9::a]"},
		{strings.ToUpper(theirs), v4, strings.ToUpper(theirs) + " [10.0.0.10]"},
		{theirs + ".", v4, theirs + " [10.0.0.10]"},
		{theirs + ".nodes.example", v4, theirs + ".nodes.example [10.0.0.10]"},
		{ours, v6, "NoSuchResourceRecord"},
		{nobody, 0, "DNSError"},
		{nobody + ".one.example", 0, "DNSError"},
		{"consensus-member.role.nodes.example", 0, "NoSuchResourceRecord"},
		{"localhost", 0, "localhost [127.0.0.1 ::1]"},
		{"a.localhost", v6, "a.localhost [::1]"},
		{"printer", 0, "box.corp [10.9.9.9]"},
		{"printer", v6, "NoSuchResourceRecord"},
		{"six", 0, "six [2001:db8::9]"},
		{"box.corp", v4, "box.corp [10.9.9.9]"},
		{"LAB", 0, "Lab.Corp [10.9.9.8]"},
		{"lab.corp", v4, "Lab.Corp [10.9.9.8]"},
		{"solo", 0, "Solo [10.9.9.7]"},
		{"SIX", v6, "six [2001:db8::9]"},
		{"foo.test", 0, "DNSError"},
		{"resolver.arpa", 0, "NoSuchResourceRecord"},

		{"www.example.org", 0, "www.example.org [192.0.2.1 2001:db8::1]"},
		{"www.example.org", v6, "www.example.org [2001:db8::1]"},
		{"alias.example.org", 0, "www.example.org [192.0.2.1 2001:db8::1]"},
		{"loop.example.org", 0, "CNAMELoop"},
		{"loop.example.org", v4, "CNAMELoop"}, // from the cache
		{"long.example.org", 0, "CNAMELoop"},
		{"long.example.org", v4, "CNAMELoop"},
		{"v4.example.org", 0, "v4.example.org [192.0.2.4]"},
		{"v4.example.org", v6, "NoSuchResourceRecord"},
		{"half.example.org", 0, "half.example.org [192.0.2.5]"},
		{"half.example.org", v6, "NetworkDown"},
		{"nowhere.example.org", 0, "DNSError"},
		{"broken.example.org", 0, "NetworkDown"},
		{"refused.example.org", 0, "MaxAttemptsReached"},

		{"no..name", 0, "InvalidParameter"},
		{strings.Repeat("a", 64) + ".example", 0, "InvalidParameter"},
		{strings.Repeat("a.", 127) + "a", 0, "InvalidParameter"},
		{`b\252cher.example.org`, 0, "DNSError"},
		{"bücher.example.org", 0, "DNSError"},
	} {
		t.Run(fmt.Sprintf("%.40s %d", tt.name, tt.family), func(t *testing.T) {
			q := varlink.HostnameQuestion{Name: tt.name, V4: tt.family != v6, V6: tt.family != v4}
			if got := found(s, q, t); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Shows RFC 1123 6.1.4.3a, 6.1.4.3b.
// Shows resolv.conf(5) search, ndots.
// Shows io.systemd.Resolve search.
func TestSearchList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, resolvConf, asked string
		flags                   varlink.Flags
		want                    string
		upstream                []string // what it was asked for, in that order
	}{
		{"the first that exists", "search one.example two.example", "box", 0, "box.one.example [192.0.2.11]", []string{"box.one.example"}},
		{"in the order of the list", "search two.example one.example", "box", 0, "box.two.example [192.0.2.12]", []string{"box.two.example"}},
		{"the next where there is none", "search one.example two.example", "nas", 0, "nas.two.example [192.0.2.22]", []string{"nas.one.example", "nas.two.example"}},
		{"none", "search one.example two.example", "nobody", 0, "NoSuchResourceRecord", []string{"nobody.one.example", "nobody.two.example"}},
		{"no list", "options ndots:2", "nas", 0, "NoSuchResourceRecord", nil},
		{"not to be searched", "search one.example", "box", varlink.NoSearch, "NoSuchResourceRecord", nil},
		{"a final dot", "search one.example", "box.", 0, "NoSuchResourceRecord", nil},
		{"the root", "search one.example", "", 0, "DNSError", []string{"."}},
		{"the hosts file first", "search one.example", "printer", 0, "box.corp [10.9.9.9]", nil},
		{"a node first", "search one.example", theirs, 0, theirs + " [10.0.0.10]", nil},
		{"no such node, nowhere", "search one.example", nobody, 0, "DNSError", nil},
		{"localhost first", "search one.example", "localhost", 0, "localhost [127.0.0.1]", nil},
		{"a special label only by itself", "search one.example", "test", 0, "test.one.example [192.0.2.41]", []string{"test.one.example"}},
		{"a special name", "search one.example", "box.test", 0, "DNSError", nil},
		{"dots: as it is first", "search one.example", "www.example.org", 0, "www.example.org [192.0.2.1]", []string{"www.example.org"}},
		{"dots: the list where it is not", "search two.example", "deep.sub", 0, "deep.sub.two.example [192.0.2.32]", []string{"deep.sub", "deep.sub.two.example"}},
		{"ndots: the list first", "search two.example\noptions ndots:2", "deep.sub", 0, "deep.sub.two.example [192.0.2.32]", []string{"deep.sub.two.example"}},
		{"ndots: as it is last", "search two.example\noptions ndots:5", "www.example.org", 0, "www.example.org [192.0.2.1]", []string{"www.example.org.two.example", "www.example.org"}},
		{"the root in the list", "search . two.example", "deep.sub", 0, "deep.sub.two.example [192.0.2.32]", []string{"deep.sub", "deep.sub.two.example"}},
		{"it exists without an address", "search one.example two.example", "empty", 0, "NoSuchResourceRecord", []string{"empty.one.example"}},
		{"a server fails, and the next knows", "search one.example two.example", "broken-one", 0, "broken-one.two.example [192.0.2.62]", []string{"broken-one.one.example", "broken-one.two.example"}},
		{"a server fails, and the others know nothing", "search one.example two.example", "broken-two", 0, "NetworkDown", []string{"broken-two.one.example", "broken-two.two.example"}},
		{"a server refuses", "search one.example", "refused", 0, "MaxAttemptsReached", []string{"refused.one.example"}},
		{"what is said of a complete name counts", "search one.example", "nowhere.broken", 0, "DNSError", []string{"nowhere.broken", "nowhere.broken.one.example"}},
		{"too long with a domain", "search " + strings.Repeat("a.", 100) + "example", strings.Repeat("b", 50) + "." + strings.Repeat("b", 50), 0, "DNSError", []string{strings.Repeat("b", 50) + "." + strings.Repeat("b", 50)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := new(world)
			s := newSearching(t, u, tt.resolvConf, newZone(t).Snapshot)
			if got := found(s, varlink.HostnameQuestion{Name: tt.asked, V4: true, Flags: tt.flags}, t); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var want []string
			for _, name := range tt.upstream {
				want = append(want, name+" A")
			}
			if got := slices.Compact(u.take()); !slices.Equal(got, want) {
				t.Errorf("the upstream was asked for %q, want %q", got, want)
			}
		})
	}
}

// A temporary failure is never reported as "no such name".
// Shows RFC 1034 5.2.3.
// Shows io.systemd.Resolve errors.
func TestResolveHostnameBeforeAnythingIsKnown(t *testing.T) {
	t.Parallel()
	store, err := zone.NewStore(zone.Config{Local: ours})
	if err != nil {
		t.Fatal(err)
	}
	store.Source("curator").Expect(true)
	s := newSearching(t, nil, "search one.example", store.Snapshot)
	for name, want := range map[string]string{
		ours:              "NetworkDown", // it has no address yet
		nobody:            "NetworkDown",
		"www.example.org": "NoNameServers",
		"localhost":       "localhost [127.0.0.1 ::1]",
	} {
		if got := found(s, varlink.HostnameQuestion{Name: name, V4: true, V6: true}, t); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Shows RFC 1123 6.1.3.1b.
func TestResolveHostnameWithDeadUpstreams(t *testing.T) {
	t.Parallel()
	unused, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	set := settings(unused.LocalAddr().(*net.UDPAddr).AddrPort())
	_ = unused.Close() // that is the point
	s := newResolver(t, set)
	if got := found(s, varlink.HostnameQuestion{Name: "www.example.org", V4: true, V6: true}, t); got != "NetworkDown" {
		t.Errorf("got %s", got)
	}
}

// Shows io.systemd.Resolve flags.
func TestHostnameFlags(t *testing.T) {
	t.Parallel()
	u := new(world)
	s := newSearching(t, u, "", newZone(t).Snapshot, func(set *resolver.Settings) { set.Cache.Size = 1 << 20 })
	const (
		ourOwn = varlink.ProtocolDNS | varlink.Authenticated | varlink.Confidential
		plain  = varlink.ProtocolDNS
	)
	for _, tt := range []struct {
		name  string
		flags varlink.Flags
		want  varlink.Flags
		asked int // queries to the upstream
	}{
		{theirs, 0, ourOwn | varlink.FromZone, 0},
		{theirs, varlink.NoNetwork, ourOwn | varlink.FromZone, 0},
		{"printer", 0, ourOwn | varlink.Synthetic, 0},
		{"localhost", 0, ourOwn | varlink.Synthetic, 0},
		{"www.example.org", 0, plain | varlink.FromNetwork, 1},
		{"www.example.org", varlink.NoNetwork, plain | varlink.FromCache, 0},
		{"www.example.org", varlink.NoCache, plain | varlink.FromNetwork, 1},
		{"www.example.org", varlink.NoStale, plain | varlink.FromNetwork, 1},
		{"www.example.org", varlink.NoValidate, plain | varlink.FromNetwork, 1}, // not the same question
		{"www.example.org", 0, plain | varlink.FromCache, 0},
	} {
		got, err := s.ResolveHostname(t.Context(), varlink.HostnameQuestion{Name: tt.name, V4: true, Flags: tt.flags})
		if asked := len(u.take()); err != nil || got.Flags != tt.want || asked != tt.asked {
			t.Errorf("%s with %#x: got %#x, %v, %d queries, want %#x and %d", tt.name, tt.flags, got.Flags, err, asked, tt.want, tt.asked)
		}
	}
	for _, tt := range []struct {
		name  string
		flags varlink.Flags
		want  string
	}{
		{"v4.example.org", varlink.NoNetwork, "NoSource"},
		{"alias.example.org", varlink.NoCNAME, "CNAMELoop"},
		{"www.example.org", varlink.NoCNAME, "www.example.org [192.0.2.1]"},
	} {
		if got := found(s, varlink.HostnameQuestion{Name: tt.name, V4: true, Flags: tt.flags}, t); got != tt.want {
			t.Errorf("%s with %#x: got %s, want %s", tt.name, tt.flags, got, tt.want)
		}
	}
	// Of two families only what holds for both is reported.
	both, err := s.ResolveHostname(t.Context(), varlink.HostnameQuestion{Name: "www.example.org", V4: true, V6: true})
	if want := plain | varlink.FromCache | varlink.FromNetwork; err != nil || both.Flags != want {
		t.Errorf("got %#x, %v, want %#x", both.Flags, err, want)
	}
}

// Shows RFC 1034 5.2.2.
// Shows RFC 3596 2.5.
// Shows io.systemd.Resolve ResolveAddress.
func TestResolveAddress(t *testing.T) {
	t.Parallel()
	u := new(world)
	s := newSearching(t, u, "search one.example", newZone(t).Snapshot)
	for addr, want := range map[string]string{
		"10.0.0.10":        "[" + theirs + "]",
		"::ffff:10.0.0.10": "[" + theirs + "]",
		"2001:db9::a":      "[" + theirs + "]",
		"10.0.0.1":         "[" + ours + "]",
		"10.9.9.9":         "[box.corp]",
		"10.9.9.8":         "[Lab.Corp]",
		"127.0.0.1":        "[localhost]",
		"::1":              "[localhost]",
		"127.0.0.2":        "DNSError",
		"169.254.1.1":      "DNSError",
		"192.0.2.9":        "DNSError", // documentation, which no host has
	} {
		names, err := s.ResolveAddress(t.Context(), varlink.AddressQuestion{Addr: netip.MustParseAddr(addr)})
		got := fmt.Sprint(names.All)
		if err != nil {
			got = errorID(t, err)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
	if asked := u.take(); len(asked) > 0 {
		t.Errorf("the upstream was asked for %q", asked)
	}
}

// Reverse zones may contain anything.
func TestResolveAddressByUpstreams(t *testing.T) {
	t.Parallel()
	u := new(world)
	set := settings()
	set.Upstreams.Routes = []resolver.Route{{Domains: []string{"2.0.192.in-addr.arpa"}, Servers: plain(nameserver.Serve(t, u.answer, u.answer))}}
	s := newResolver(t, set)
	for addr, want := range map[string]string{
		"192.0.2.9": "[www.example.org]",
		"192.0.2.8": "[delegated.example]",
		"192.0.2.7": "NoSuchResourceRecord",
		"192.0.2.6": "DNSError",
	} {
		names, err := s.ResolveAddress(t.Context(), varlink.AddressQuestion{Addr: netip.MustParseAddr(addr)})
		got := fmt.Sprint(names.All)
		if err != nil {
			got = errorID(t, err)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}

// What is looked for over varlink is logged like every query.
func TestWatchQueries(t *testing.T) {
	t.Parallel()
	s := newResolver(t, settings())
	entries, err := s.server.Watch()
	if err != nil {
		t.Fatal(err)
	}
	defer entries.Close()
	w, err := s.WatchQueries()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, name := range []string{theirs, nobody} {
		_, _ = s.ResolveHostname(t.Context(), varlink.HostnameQuestion{Name: name, V4: true})
	}
	results, missed, err := w.Next(t.Context())
	if err != nil || missed != 0 || len(results) != 2 {
		t.Fatalf("got %+v, %d missed, %v", results, missed, err)
	}
	if r := results[0]; r.Name != theirs || r.Type != dns.TypeA || r.Class != dns.ClassINET || r.Rcode != 0 || len(r.Answer) != 1 {
		t.Errorf("got %+v", r)
	} else if rr, _, err := dns.UnpackRR(r.Answer[0].Wire, 0); err != nil || rr.(*dns.A).A.String() != "10.0.0.10" || r.Answer[0].Name != theirs {
		t.Errorf("got %+v, %v", rr, err)
	}
	if r := results[1]; r.Name != nobody || r.Rcode != dns.RcodeNameError || len(r.Answer) != 0 {
		t.Errorf("got %+v", r)
	}
	logged, _, err := entries.Next(t.Context())
	if err != nil || len(logged) != 2 {
		t.Errorf("%d entries, %v; want 2", len(logged), err)
	}
	for _, e := range logged {
		if e.Transport != querylog.Varlink {
			t.Errorf("logged %v", e.Transport)
		}
	}
	for range querylog.MaxWatchers {
		if w, err = s.WatchQueries(); err != nil {
			break
		}
		defer w.Close()
	}
	if !errors.Is(err, varlink.ErrTooManyWatchers) {
		t.Errorf("one too many: %v", err)
	}
}

// A program gets the reason too, and whose it is.
// Shows io.systemd.Resolve extended.
func TestReasons(t *testing.T) {
	t.Parallel()
	up := nameserver.Serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
		if strings.HasPrefix(q.Question[0].Name, "bogus.") {
			m.Rcode = dns.RcodeServerFailure
		}
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeFiltered, ExtraText: "as told"}}
		_ = w.WriteMsg(m)
	}, nil)
	set := settings()
	set.Upstreams.Servers = plain(up)
	s := newResolver(t, set)
	for name, want := range map[string]*varlink.Error{"filtered.example": varlink.ErrNameError, "bogus.example": varlink.ErrNetworkDown} {
		_, err := s.ResolveHostname(t.Context(), varlink.HostnameQuestion{Name: name, V4: true})
		text := fmt.Sprintf("from %v: as told", plain(up)[0])
		if wanted := want.Because(dns.ExtendedErrorCodeFiltered, text); !errors.Is(err, want) || err.Error() != wanted.Error() {
			t.Errorf("%s: got %v, want %v", name, err, wanted)
		}
	}
	set.Upstreams.Servers = nil
	_, err := newResolver(t, set).ResolveHostname(t.Context(), varlink.HostnameQuestion{Name: "www.example", V4: true})
	if !errors.Is(err, varlink.ErrNoNameServers) || !strings.Contains(err.Error(), "extendedDNSErrorCode:20") || strings.Contains(err.Error(), "from ") {
		t.Errorf("ours: got %v", err)
	}
}
