package resolver

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/zone"
)

const borderLines = "192.0.2.77 printer.example\n10.9.9.9 box.example\n"

const (
	theirsA = theirs + ". 10 IN A 10.0.0.10"
	ownSOA  = " 10 IN SOA localhost. nobody.invalid. 1 3600 600 86400 10"
)

// Shows RFC 1034 3.6.2a, 3.6.2b, 3.6.2c, 4.3.2.
// Shows RFC 2181 5.4.1b.
// Shows RFC 2308 2.1.
// Shows RFC 5452 6.
// Shows RFC 9520 2.5.
func TestAliasesToNamesOfAnother(t *testing.T) {
	world := map[string][]string{
		"node.example": {
			"node.example. 60 IN CNAME " + theirs + ".", theirs + ". 60 IN A 6.6.6.6",
			"authority", theirs + ". 60 IN NS ns." + theirs + ".", ". 60 IN NS a.",
			"additional", theirs + ". 60 IN A 6.6.6.6", "x.example. 60 IN A 192.0.2.9",
		},
		"node6.example":   {"node6.example. 60 IN CNAME " + theirs + ".", theirs + ". 60 IN AAAA 2001:db8::6"},
		"denied.example":  {"NXDOMAIN", "denied.example. 60 IN CNAME " + theirs + ".", "authority", ". 60 IN SOA a. b. 1 2 3 4 60"},
		"failing.example": {"SERVFAIL", "failing.example. 60 IN CNAME " + theirs + "."},
		"capital.example": {"capital.example. 60 IN CNAME " + strings.ToUpper(theirs) + "."},
		"domain.example":  {"domain.example. 60 IN CNAME " + theirs + ".Nodes.Example.", theirs + ".nodes.example. 60 IN A 6.6.6.6"},
		"nobody.example":  {"nobody.example. 60 IN CNAME " + nobody + ".nodes.example.", nobody + ".nodes.example. 60 IN A 6.6.6.6"},
		"apex.example":    {"apex.example. 60 IN CNAME nodes.example.", "nodes.example. 60 IN A 6.6.6.6"},
		"below.example":   {"below.example. 60 IN CNAME www." + theirs + ".", "www." + theirs + ". 60 IN A 6.6.6.6"},
		"local.example":   {"local.example. 60 IN CNAME localhost.", "localhost. 60 IN A 6.6.6.6"},
		"line.example":    {"line.example. 60 IN CNAME printer.example.", "printer.example. 60 IN A 6.6.6.6"},
		"special.example": {"special.example. 60 IN CNAME www.invalid.", "www.invalid. 60 IN A 6.6.6.6"},
		"single.example":  {"single.example. 60 IN CNAME com.", "com. 60 IN A 6.6.6.6"},
		"inner.example": {
			"two.example. 50 IN CNAME " + theirs + ".", theirs + ". 60 IN A 6.6.6.6",
			"one.example. 40 IN CNAME Two.Example.", "INNER.example. 30 IN CNAME one.example.",
		},
		"route.example": {"route.example. 60 IN CNAME www.corp.example.", "www.corp.example. 60 IN A 6.6.6.6"},
		"gone.example":  {"gone.example. 60 IN CNAME gone.corp.example.", "gone.corp.example. 60 IN A 6.6.6.6"},
		"there.example": {"there.example. 60 IN A 192.0.2.8"},
		"same.example":  {"same.example. 60 IN CNAME other.example.", "other.example. 60 IN A 192.0.2.1"},
		"open.example":  {"open.example. 60 IN CNAME other.example."},
		"wrong.example": {"else.example. 60 IN A 192.0.2.1"},
		"beside.example": {
			"beside.example. 60 IN A 192.0.2.1", theirs + ". 60 IN A 6.6.6.6",
			"authority", theirs + ". 60 IN A 6.6.6.6", "example. 60 IN NS ns.example.",
			"additional", theirs + ". 60 IN A 6.6.6.6", "x.nodes.example. 60 IN A 6.6.6.6", "printer.example. 60 IN A 6.6.6.6", "ns.example. 60 IN A 192.0.2.53",
		},
		"tree.example": {"example. 60 IN DNAME nodes.example."},
		theirs + ".dname.example": {
			"dname.example. 60 IN DNAME nodes.example.",
			theirs + ".dname.example. 60 IN CNAME " + theirs + ".nodes.example.", theirs + ".nodes.example. 60 IN A 6.6.6.6",
		},
		theirs + ".lying.example": {
			"lying.example. 60 IN DNAME nodes.example.", theirs + ".lying.example. 60 IN CNAME evil.example.", "evil.example. 60 IN A 6.6.6.6",
		},
		"x.made.example": {"made.example. 60 IN DNAME other.example.", "x.other.example. 60 IN A 192.0.2.1"},
		strings.Repeat("x", 60) + ".long.example": {
			"long.example. 60 IN DNAME " + strings.Repeat(strings.Repeat("y", 60)+".", 4),
		},
		"loop.example": {"loop.example. 60 IN CNAME loop2.example.", "loop2.example. 60 IN CNAME loop.example."},
		"self.example": {"self.example. 60 IN CNAME Self.example."},
		"over.example": {"over.example. 60 IN CNAME over.corp.example."},
	}
	corp := map[string][]string{
		"www.corp.example":  {"www.corp.example. 70 IN A 10.1.1.1"},
		"out.corp.example":  {"out.corp.example. 60 IN CNAME there.example.", "there.example. 60 IN A 6.6.6.6"},
		"over.corp.example": {"over.corp.example. 60 IN CNAME over.example."},
	}
	for name, tt := range map[string]struct {
		name      string
		qtype     uint16
		rcode     int
		answer    []string
		authority []string
		ede       int
	}{
		"a node":         {"Node.example", dns.TypeA, 0, []string{"Node.example. 60 IN CNAME " + theirs + ".", theirsA}, nil, -1},
		"its family":     {"node6.example", dns.TypeAAAA, 0, []string{"node6.example. 60 IN CNAME " + theirs + ".", theirs + ". 10 IN AAAA 2001:db9::a"}, nil, -1},
		"another type":   {"node.example", dns.TypeMX, 0, []string{"node.example. 60 IN CNAME " + theirs + "."}, []string{"." + ownSOA}, -1},
		"denied there":   {"denied.example", dns.TypeA, 0, []string{"denied.example. 60 IN CNAME " + theirs + ".", theirsA}, nil, -1},
		"failing there":  {"failing.example", dns.TypeA, 0, []string{"failing.example. 60 IN CNAME " + theirs + ".", theirsA}, nil, -1},
		"in capitals":    {"capital.example", dns.TypeA, 0, []string{"capital.example. 60 IN CNAME " + strings.ToUpper(theirs) + ".", strings.ToUpper(theirs) + ". 10 IN A 10.0.0.10"}, nil, -1},
		"a local domain": {"domain.example", dns.TypeA, 0, []string{"domain.example. 60 IN CNAME " + theirs + ".Nodes.Example.", theirs + ".Nodes.Example. 10 IN A 10.0.0.10"}, nil, -1},
		"no such node":   {"nobody.example", dns.TypeA, dns.RcodeNameError, []string{"nobody.example. 60 IN CNAME " + nobody + ".nodes.example."}, []string{"nodes.example." + ownSOA}, -1},
		"its apex":       {"apex.example", dns.TypeA, 0, []string{"apex.example. 60 IN CNAME nodes.example."}, []string{"nodes.example." + ownSOA}, -1},
		"below a node":   {"below.example", dns.TypeA, dns.RcodeNameError, []string{"below.example. 60 IN CNAME www." + theirs + "."}, []string{"." + ownSOA}, -1},
		"localhost":      {"local.example", dns.TypeA, 0, []string{"local.example. 60 IN CNAME localhost.", "localhost. 10 IN A 127.0.0.1"}, nil, -1},
		"a line":         {"line.example", dns.TypeA, 0, []string{"line.example. 60 IN CNAME printer.example.", "printer.example. 10 IN A 192.0.2.77"}, nil, -1},
		"a special name": {"special.example", dns.TypeA, dns.RcodeNameError, []string{"special.example. 60 IN CNAME www.invalid."}, []string{"." + ownSOA}, -1},
		"a single label": {"single.example", dns.TypeA, 0, []string{"single.example. 60 IN CNAME com."}, []string{"." + ownSOA}, -1},
		"out of order": {"inner.example", dns.TypeA, 0, []string{
			"inner.example. 30 IN CNAME one.example.", "one.example. 40 IN CNAME Two.Example.", "two.example. 50 IN CNAME " + theirs + ".", theirsA,
		}, nil, -1},
		"a route":       {"route.example", dns.TypeA, 0, []string{"route.example. 60 IN CNAME www.corp.example.", "www.corp.example. 70 IN A 10.1.1.1"}, nil, -1},
		"not there":     {"gone.example", dns.TypeA, dns.RcodeNameError, []string{"gone.example. 60 IN CNAME gone.corp.example."}, []string{". 60 IN SOA a. b. 1 2 3 4 60"}, -1},
		"out of it":     {"out.corp.example", dns.TypeA, 0, []string{"out.corp.example. 60 IN CNAME there.example.", "there.example. 60 IN A 192.0.2.8"}, nil, -1},
		"the same":      {"same.example", dns.TypeA, 0, []string{"same.example. 60 IN CNAME other.example.", "other.example. 60 IN A 192.0.2.1"}, nil, -1},
		"not completed": {"open.example", dns.TypeA, 0, []string{"open.example. 60 IN CNAME other.example."}, nil, -1},
		"another name":  {"wrong.example", dns.TypeA, 0, nil, nil, -1},
		"beside it":     {"beside.example", dns.TypeA, 0, []string{"beside.example. 60 IN A 192.0.2.1"}, []string{"example. 60 IN NS ns.example."}, -1},
		"the alias":     {"node.example", dns.TypeCNAME, 0, []string{"node.example. 60 IN CNAME " + theirs + "."}, []string{". 60 IN NS a."}, -1},
		"all of it":     {"node.example", dns.TypeANY, 0, []string{"node.example. 60 IN CNAME " + theirs + "."}, []string{". 60 IN NS a."}, -1},
		"a tree of names": {theirs + ".dname.example", dns.TypeA, 0, []string{
			"dname.example. 60 IN DNAME nodes.example.", theirs + ".dname.example. 60 IN CNAME " + theirs + ".nodes.example.", theirs + ".nodes.example. 10 IN A 10.0.0.10",
		}, nil, -1},
		"not what it makes": {theirs + ".lying.example", dns.TypeA, 0, []string{
			"lying.example. 60 IN DNAME nodes.example.", theirs + ".lying.example. 60 IN CNAME " + theirs + ".nodes.example.", theirs + ".nodes.example. 10 IN A 10.0.0.10",
		}, nil, -1},
		"not made": {"x.made.example", dns.TypeA, 0, []string{
			"made.example. 60 IN DNAME other.example.", "x.made.example. 60 IN CNAME x.other.example.", "x.other.example. 60 IN A 192.0.2.1",
		}, nil, -1},
		"the record itself": {theirs + ".dname.example", dns.TypeDNAME, 0, []string{"dname.example. 60 IN DNAME nodes.example.", theirs + ".dname.example. 60 IN CNAME " + theirs + ".nodes.example."}, nil, -1},
		"too long a name":   {strings.Repeat("x", 60) + ".long.example", dns.TypeA, dns.RcodeYXDomain, []string{"long.example. 60 IN DNAME " + strings.Repeat(strings.Repeat("y", 60)+".", 4)}, nil, -1},
		"a loop":            {"loop.example", dns.TypeA, dns.RcodeServerFailure, nil, nil, int(dns.ExtendedErrorCodeInvalidData)},
		"to itself":         {"self.example", dns.TypeA, dns.RcodeServerFailure, nil, nil, int(dns.ExtendedErrorCodeInvalidData)},
		"a loop over both":  {"over.example", dns.TypeA, dns.RcodeServerFailure, nil, nil, int(dns.ExtendedErrorCodeInvalidData)},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBorder(t, world, corp)
			for _, from := range []string{"asked", "from the cache"} {
				m := b.asks(t, tt.name, tt.qtype)
				got := texts(m.Answer)
				if m.Rcode != tt.rcode || !slices.Equal(got, append([]string{}, tt.answer...)) || !slices.Equal(texts(m.Ns), append([]string{}, tt.authority...)) {
					t.Errorf("%s: got\n%v", from, m)
				}
				if code := ede(m); code != tt.ede && (from == "asked" || tt.ede == -1) {
					t.Errorf("%s: extended error %d", from, code)
				}
				if m.Authoritative || !m.RecursionAvailable || strings.Contains(m.String(), "6.6.6.6") {
					t.Errorf("%s: got\n%v", from, m)
				}
			}
			if asked := append(b.world.take(), b.corp.take()...); slices.ContainsFunc(asked, func(question string) bool {
				return strings.HasPrefix(question, theirs+" ") || strings.HasPrefix(question, "www.corp.example ") && tt.name != "route.example"
			}) {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

// What upstreams gave up to the border is kept by the TTLs of the aliases, and the
// rest is read for each query.
func TestOpenChainInTheCache(t *testing.T) {
	b := newBorder(t, map[string][]string{
		"node.example":  {"node.example. 60 IN CNAME " + theirs + "."},
		"route.example": {"route.example. 60 IN CNAME www.corp.example."},
		"line.example":  {"line.example. 60 IN CNAME printer.example."},
		"plain.example": {"plain.example. 60 IN CNAME other.example.", "other.example. 60 IN A 192.0.2.1"},
	}, map[string][]string{"www.corp.example": {"www.corp.example. 20 IN A 10.1.1.1"}})
	wants := func(name string, records ...string) {
		t.Helper()
		if got := texts(b.asks(t, name, dns.TypeA).Answer); !slices.Equal(got, records) {
			t.Errorf("%s: got %q, want %q", name, got, records)
		}
	}
	asked := func(questions ...string) {
		t.Helper()
		if got := append(b.world.take(), b.corp.take()...); !slices.Equal(got, questions) {
			t.Errorf("asked for %q, want %q", got, questions)
		}
	}
	wants("node.example", "node.example. 60 IN CNAME "+theirs+".", theirsA)
	wants("route.example", "route.example. 60 IN CNAME www.corp.example.", "www.corp.example. 20 IN A 10.1.1.1")
	wants("line.example", "line.example. 60 IN CNAME printer.example.", "printer.example. 10 IN A 192.0.2.77")
	wants("plain.example", "plain.example. 60 IN CNAME other.example.", "other.example. 60 IN A 192.0.2.1")
	asked("node.example A", "route.example A", "line.example A", "plain.example A", "www.corp.example A")
	b.sleep(15 * time.Second)
	wants("node.example", "node.example. 45 IN CNAME "+theirs+".", theirsA)
	wants("route.example", "route.example. 45 IN CNAME www.corp.example.", "www.corp.example. 5 IN A 10.1.1.1")
	asked()
	b.sleep(10 * time.Second)
	wants("node.example", "node.example. 35 IN CNAME "+theirs+".", theirsA)
	wants("route.example", "route.example. 35 IN CNAME www.corp.example.", "www.corp.example. 20 IN A 10.1.1.1")
	asked("www.corp.example A")

	// A name behind a kept alias becomes ours, another is so no more.
	b.write(t, "192.0.2.78 other.example\n")
	eventually(t, func() bool { return b.hosts.Table().Len() == 1 })
	b.world.become("printer.example", "printer.example. 60 IN A 192.0.2.2")
	wants("plain.example", "plain.example. 60 IN CNAME other.example.", "other.example. 10 IN A 192.0.2.78")
	wants("line.example", "line.example. 35 IN CNAME printer.example.", "printer.example. 60 IN A 192.0.2.2")
}

// A stale reply is completed as a fresh one is.
func TestStaleOpenChain(t *testing.T) {
	b := newBorder(t, map[string][]string{"node.example": {"node.example. 60 IN CNAME " + theirs + "."}}, nil)
	b.asks(t, "node.example", dns.TypeA)
	b.world.become("node.example", "SERVFAIL")
	b.sleep(2 * time.Minute)
	for range 2 {
		m := b.asks(t, "node.example", dns.TypeA)
		if got := texts(m.Answer); !slices.Equal(got, []string{"node.example. 30 IN CNAME " + theirs + ".", theirsA}) || ede(m) != int(dns.ExtendedErrorCodeStaleAnswer) {
			t.Errorf("got\n%v", m)
		}
	}
}

// Both chains end: one after 16 questions, the other in a failure.
// Shows RFC 1034 5.3.3a.
func TestHopsAreBounded(t *testing.T) {
	world, corp := map[string][]string{}, map[string][]string{}
	for i := range 40 {
		world[fmt.Sprintf("%d.example", i)] = []string{fmt.Sprintf("%d.example. 60 IN CNAME %d.corp.example.", i, i)}
		corp[fmt.Sprintf("%d.corp.example", i)] = []string{fmt.Sprintf("%d.corp.example. 60 IN CNAME %d.example.", i, i+1)}
	}
	world["8.example"] = []string{"8.example. 60 IN A 192.0.2.1"}
	b := newBorder(t, world, corp)
	if m := b.asks(t, "0.example", dns.TypeA); m.Rcode != dns.RcodeSuccess || len(m.Answer) != 17 {
		t.Errorf("got\n%v", m)
	}
	for range 2 {
		m := b.asks(t, "10.example", dns.TypeA)
		if m.Rcode != dns.RcodeServerFailure || len(m.Answer) != 0 || ede(m) != int(dns.ExtendedErrorCodeInvalidData) {
			t.Errorf("got\n%v", m)
		}
	}
}

// An address that an upstream's alias leads to is the upstream's answer.
func TestRebindProtectionOfTheWholeChain(t *testing.T) {
	world := map[string][]string{
		"node.evil.example":   {"node.evil.example. 60 IN CNAME " + theirs + "."},
		"local.evil.example":  {"local.evil.example. 60 IN CNAME localhost."},
		"line.evil.example":   {"line.evil.example. 60 IN CNAME box.example."},
		"public.evil.example": {"public.evil.example. 60 IN CNAME printer.example."},
		"route.evil.example":  {"route.evil.example. 60 IN CNAME www.corp.example."},
		"node.good.example":   {"node.good.example. 60 IN CNAME " + theirs + "."},
		"route.good.example":  {"route.good.example. 60 IN CNAME www.corp.example."},
		"inside.evil.example": {"inside.evil.example. 60 IN A 10.3.3.3"},
	}
	corp := map[string][]string{
		"www.corp.example":  {"www.corp.example. 60 IN A 10.1.1.1"},
		"node.corp.example": {"node.corp.example. 60 IN CNAME " + theirs + "."},
		"evil.corp.example": {"evil.corp.example. 60 IN CNAME inside.evil.example."},
	}
	b := newBorder(t, world, corp, protected, func(s *Settings) { s.Upstreams.RebindAllow = []string{"good.example"} })
	for name, addr := range map[string]string{
		"node.evil.example": "", "local.evil.example": "", "line.evil.example": "", "route.evil.example": "", "evil.corp.example": "",
		"public.evil.example": "192.0.2.77",
		"node.good.example":   "10.0.0.10", "route.good.example": "10.1.1.1",
		"www.corp.example": "10.1.1.1", "node.corp.example": "10.0.0.10",
		theirs: "10.0.0.10", "localhost": "127.0.0.1", "box.example": "10.9.9.9",
	} {
		for range 2 { // the second from the cache
			m := b.asks(t, name, dns.TypeA)
			got := ""
			for _, rr := range m.Answer {
				if a, ok := wire.Address(rr); ok {
					got = a.String()
				}
			}
			if m.Rcode != dns.RcodeSuccess || got != addr || (ede(m) == int(dns.ExtendedErrorCodeBlocked)) != (addr == "") {
				t.Errorf("%s: want %q, got\n%v", name, addr, m)
			}
		}
	}
}

// A node that is not known yet is no node that does not exist.
func TestChainIntoAZoneThatIsNotReady(t *testing.T) {
	world := newScript(t, map[string][]string{"node.example": {"node.example. 60 IN CNAME " + nobody + "."}})
	store, err := zone.NewStore(zone.Config{Local: ours})
	if err != nil {
		t.Fatal(err)
	}
	store.Source("curator").Expect(true)
	set := settings()
	set.Upstreams.Servers = []upstream.Server{world.server}
	s, err := New(Config{Zone: store.Snapshot, Settings: set})
	if err != nil {
		t.Fatal(err)
	}
	m, l := resolve(t.Context(), s, "node.example", dns.TypeA)
	if m.Rcode != dns.RcodeServerFailure || len(m.Answer) != 0 || len(l.Extended) != 1 || l.Extended[0].InfoCode != dns.ExtendedErrorCodeNotReady {
		t.Errorf("got\n%v\n%v", m, l.Extended)
	}
}

// The signatures of aliases stay, and what proves that a wildcard made them.
// Shows RFC 4035 3.2.1a, 3.2.3.
func TestSignedOpenChain(t *testing.T) {
	const rrsig = " 60 IN RRSIG %s 13 %d 60 20300101000000 20200101000000 1 %s AAAA"
	sign := func(name, covered string, labels int, signer string) string {
		return name + fmt.Sprintf(rrsig, covered, labels, signer)
	}
	alias, proof := "a.wild.example. 60 IN CNAME "+theirs+".", "m.wild.example. 60 IN NSEC z.wild.example. A RRSIG NSEC"
	b := newBorder(t, map[string][]string{
		"a.wild.example": {
			"AD", sign("a.wild.example.", "CNAME", 2, "wild.example."), alias, sign("a.wild.example.", "A", 2, "wild.example."),
			sign(theirs+".", "A", 1, "."), theirs + ". 60 IN A 6.6.6.6",
			"authority", proof, sign("m.wild.example.", "NSEC", 3, "wild.example."), "aaa. 60 IN NSEC zzz. NS", sign("aaa.", "NSEC", 1, "."),
		},
		"a.example": {"AD", "a.example. 60 IN CNAME www.corp.example.", sign("a.example.", "CNAME", 2, "example."), "authority", proof},
		"b.example": {"AD", "b.example. 60 IN CNAME unsigned.corp.example."},
	}, map[string][]string{
		"www.corp.example":      {"AD", "www.corp.example. 60 IN A 10.1.1.1"},
		"unsigned.corp.example": {"unsigned.corp.example. 60 IN A 10.1.1.1"},
	})
	signed := func(q *dns.Msg) { q.IsEdns0().SetDo() }
	for range 2 {
		m := b.asks(t, "a.wild.example", dns.TypeA, signed)
		if len(m.Answer) != 3 || texts(m.Answer)[0] != alias || m.Answer[1].(*dns.RRSIG).TypeCovered != dns.TypeCNAME || texts(m.Answer)[2] != theirsA ||
			len(m.Ns) != 2 || texts(m.Ns)[0] != proof || m.AuthenticatedData || !m.IsEdns0().Do() {
			t.Errorf("got\n%v", m)
		}
		if m := b.asks(t, "a.example", dns.TypeA, signed); len(m.Answer) != 3 || len(m.Ns) != 0 || !m.AuthenticatedData {
			t.Errorf("got\n%v", m)
		}
		if m := b.asks(t, "b.example", dns.TypeA, signed); len(m.Answer) != 2 || m.AuthenticatedData {
			t.Errorf("got\n%v", m)
		}
	}
	if asked := b.corp.take(); len(asked) != 2 {
		t.Errorf("asked for %q", asked)
	}
}

// The time of a query is that of all its hops.
func TestChainThatTakesTooLong(t *testing.T) {
	t.Parallel()
	dead := fakeUpstream(t, func(dns.ResponseWriter, *dns.Msg) {})
	b := newBorder(t, map[string][]string{
		"slow.example": {"slow.example. 60 IN CNAME www.corp.example."},
	}, nil, func(s *Settings) { s.Upstreams.Routes[0].Servers = plain(dead) })
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m, _ := resolve(ctx, b.Server, "slow.example", dns.TypeA)
	if took := time.Since(began); m.Rcode != dns.RcodeServerFailure || took > 6*time.Second {
		t.Errorf("after %v: got\n%v", took, m)
	}
}

// A reply that does not fit is cut, and got over TCP.
func TestChainIsTruncated(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("www.corp.example. 60 IN A 10.1.1.%d", i))
	}
	b := newBorder(t, map[string][]string{"big.example": {"big.example. 60 IN CNAME www.corp.example."}},
		map[string][]string{"www.corp.example": many})
	for range 2 {
		if m := b.asks(t, "big.example", dns.TypeA); !m.Truncated {
			t.Errorf("got\n%v", m)
		}
		if m := dial(t, b.Server, "tcp").exchange(query("big.example", dns.TypeA)); m.Truncated || len(m.Answer) != 101 {
			t.Errorf("got %d records", len(m.Answer))
		}
	}
}

// A dry question does not begin a prefetch of what an alias leads to.
func TestOfflineChainIsNotPrefetched(t *testing.T) {
	b := newBorder(t, map[string][]string{"a.example": {"a.example. 600 IN CNAME www.corp.example."}},
		map[string][]string{"www.corp.example": {"www.corp.example. 60 IN A 10.1.1.1"}})
	for range 5 {
		b.asks(t, "a.example", dns.TypeA)
	}
	b.corp.take()
	b.sleep(58 * time.Second)
	for range 3 {
		if m, _ := resolveOffline(t.Context(), b.Server, "a.example", dns.TypeA); m == nil || len(b.corp.take()) != 0 {
			t.Errorf("got\n%v", m)
		}
	}
	b.asks(t, "a.example", dns.TypeA)
	eventually(t, func() bool { return len(b.corp.take()) == 1 })
}

// A domain that comes into the search list makes nodes' names with it ours, also
// behind an alias that is kept.
func TestSearchListMovesTheBorder(t *testing.T) {
	root := t.TempDir()
	conf := func(text string) {
		if err := os.WriteFile(filepath.Join(root, "resolv.conf"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	conf("search other.example\n")
	b := newBorder(t, map[string][]string{
		"a.example": {"a.example. 600 IN CNAME " + theirs + ".lab.example.", theirs + ".lab.example. 600 IN A 192.0.2.1"},
	}, nil, func(s *Settings) { s.Upstreams.Root, s.Upstreams.ResolvConf = root, "/resolv.conf" })
	if m := b.asks(t, "a.example", dns.TypeA); len(m.Answer) != 2 {
		t.Errorf("got\n%v", m)
	}
	conf("search other.example lab.example\n")
	eventually(t, func() bool { return b.asks(t, "a.example", dns.TypeA).Rcode == dns.RcodeNameError })
}
