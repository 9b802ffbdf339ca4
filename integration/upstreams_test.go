package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// through is a node whose daemon queries one server.
func through(l *lan, name, server string, lines ...string) *node {
	l.t.Helper()
	n := newNode(l, name)
	n.address()
	n.configure(append([]string{"[upstream]", fmt.Sprintf("servers = [%q]", server)}, lines...)...)
	return n
}

// Answers of real servers arrive, whatever they are and over each transport, at
// first and from the cache. For every change there is one server for each transport.
// Shows RFC 1123 6.1.3.5a.
func TestRealServers(t *testing.T) {
	t.Parallel()
	needSandbox(t, "dnsmasq")
	needUnpacked(t, "nsd", "unbound")
	l := newLAN(t)
	nsd := newAuthority(l, "nsd")
	unbound, root := newRecursor(l, "unbound", nsd)
	startDNSMasq(l.router, routerV4, "--server="+nsd.v4().String())
	recursor := unbound.v4().String()
	for _, server := range testkit.Some(4, []struct{ name, server string }{
		{"nsd", nsd.v4().String()},
		{"unbound by TCP", "tcp://" + recursor},
		{"unbound by TLS", "tls://" + recursor + "#" + secureName},
		{"unbound by HTTPS", "https://" + recursor + "/dns-query#" + secureName},
		{"dnsmasq", routerV4},
		{"unbound", recursor},
	}) {
		n := through(l, server.name, server.server, "trust_ad = true")
		n.write("/etc/ssl/certs/ca-certificates.crt", root)
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			n.boot()
			n.awaitReady()
			for _, round := range []string{"asked", "cached"} {
				t.Run(round, func(t *testing.T) { n.awaitAnswers(t, "127.0.0.53", realAnswers()) })
			}
		})
	}
}

// realAnswer is a query and what it has to get.
type realAnswer struct {
	name, query, status string
	answer              []string // "TYPE data", in any order
	authority           []string // "OWNER TYPE" of the most significant records
}

// awaitAnswers queries a server for all of these, and again for those that failed,
// as awaitAll has it. Another wrong reply is wrong for good.
func (m *machine) awaitAnswers(t testing.TB, server string, answers []realAnswer) {
	t.Helper()
	var queries []string
	for _, want := range answers {
		queries = append(queries, want.query)
	}
	replies, err := m.digAllAt(server, queries)
	must(t, err)
	var failed []realAnswer
	for i, want := range answers {
		switch err := want.right(replies[i]); {
		case err != nil && replies[i].status == "SERVFAIL":
			failed = append(failed, want)
		case err != nil:
			t.Errorf("%s: %v", want.name, err)
		}
	}
	awaitAll(t, "the answers of "+server, failed, func(want realAnswer) error {
		r, err := m.digAt(server, strings.Fields(want.query)...)
		if err == nil {
			err = want.right(r)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", want.name, err)
		}
		return err
	})
}

func realAnswers() []realAnswer {
	const soa, signedSOA = plainZone + " SOA", signedZone + " SOA"
	big, many := []string{}, []string{}
	_, texts := bigText()
	for _, text := range texts {
		big = append(big, "TXT "+text)
	}
	for i := range manyAddresses {
		many = append(many, fmt.Sprintf("A 198.18.0.%d", i+1))
	}
	www := "A 192.0.2.10"
	chain := []string{
		"CNAME chain1.plain.example.", "CNAME chain2.plain.example.",
		"CNAME chain3.plain.example.", "CNAME www.plain.example.", www,
	}
	dangling := []string{"CNAME nowhere.plain.example."}
	return []realAnswer{
		{"A", "www.plain.example", "NOERROR", []string{www}, nil},
		{"AAAA", "www.plain.example AAAA", "NOERROR", []string{"AAAA 2001:db8::10"}, nil},
		{"by TCP", "+tcp www.plain.example", "NOERROR", []string{www}, nil},
		{"without EDNS", "+noedns www.plain.example", "NOERROR", []string{www}, nil},
		{"other letters", "WwW.pLaIn.ExAmPlE", "NOERROR", []string{www}, nil},
		{"MX", "plain.example MX", "NOERROR", []string{"MX 10 mail.plain.example."}, nil},
		{"SRV", "_sip._tcp.plain.example SRV", "NOERROR", []string{"SRV 0 5 5060 www.plain.example."}, nil},
		{"CAA", "plain.example CAA", "NOERROR", []string{`CAA 0 issue "ca.example"`}, nil},
		{"HTTPS", "https.plain.example HTTPS", "NOERROR", []string{`HTTPS 1 . alpn="h2" ipv4hint=192.0.2.10`}, nil},
		{"LOC", "place.plain.example LOC", "NOERROR", []string{"LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"}, nil},
		{"an unknown type", "unknown.plain.example TYPE65280", "NOERROR", []string{`TYPE65280 \# 4 DEADBEEF`}, nil},
		{"an unknown type without data", "empty.plain.example TYPE65281", "NOERROR", []string{`TYPE65281 \# 0`}, nil},
		{"a name with a dot in a label", `odd\.dot.plain.example`, "NOERROR", []string{"A 192.0.2.33"}, nil},
		{"any octets", `sp\032ace.plain.example TXT`, "NOERROR", []string{`TXT "a name with a space" "\000\255\"\\"`}, nil},
		{"too big for UDP", "big.plain.example TXT", "NOERROR", big, nil},
		{"many records", "many.plain.example", "NOERROR", many, nil},
		{"an alias", "alias.plain.example", "NOERROR", []string{"CNAME www.plain.example.", www}, nil},
		{"an alias itself", "alias.plain.example CNAME", "NOERROR", []string{"CNAME www.plain.example."}, nil},
		{"a chain of aliases", "chain.plain.example", "NOERROR", chain, nil},
		{"an alias of what does not exist", "dangling.plain.example", "NXDOMAIN", dangling, []string{soa}},
		{"a wildcard", "any.wild.plain.example", "NOERROR", []string{"A 192.0.2.40"}, nil},
		{"a wildcard, some labels below", "a.b.c.wild.plain.example", "NOERROR", []string{"A 192.0.2.40"}, nil},
		{"a type that a wildcard lacks", "any.wild.plain.example AAAA", "NOERROR", nil, []string{soa}},
		{"a wildcard alias", "any.pointers.plain.example", "NOERROR", []string{"CNAME www.plain.example.", www}, nil},
		{"a delegated zone", "www.child.plain.example", "NOERROR", []string{"A 192.0.2.50"}, nil},
		{"a type that a name lacks", "v4only.plain.example AAAA", "NOERROR", nil, []string{soa}},
		{"a name that is only above others", "words.plain.example", "NOERROR", nil, []string{soa}},
		{"a name that does not exist", "nowhere.plain.example", "NXDOMAIN", nil, []string{soa}},
		{"signed", "+dnssec www.signed.example", "NOERROR", []string{www, "RRSIG A"}, nil},
		{"signed, without DO", "www.signed.example", "NOERROR", []string{www}, nil},
		{"a key", "+dnssec signed.example DNSKEY", "NOERROR", []string{"DNSKEY 257", "RRSIG DNSKEY"}, nil},
		{"a signed wildcard", "+dnssec any.wild.signed.example", "NOERROR", []string{"A 192.0.2.40", "RRSIG A"}, []string{"a.wild." + signedZone + " NSEC"}},
		{"a signed denial", "+dnssec nowhere.signed.example", "NXDOMAIN", nil, []string{signedSOA, signedZone + " NSEC"}},
		{"a signed denial of a type", "+dnssec v4only.signed.example AAAA", "NOERROR", nil, []string{signedSOA, "v4only." + signedZone + " NSEC"}},
	}
}

// right fails unless a reply is that. Of what is generated for each test,
// signatures and keys, the answer has only the beginning.
func (a realAnswer) right(r reply) error {
	if err := r.expectStatus(a.status); err != nil {
		return err
	}
	var got []string
	for _, rec := range r.answer {
		text := rec.typ + " " + rec.data
		if rec.typ == "RRSIG" || rec.typ == "DNSKEY" {
			text = strings.Join(strings.Fields(text)[:2], " ")
		}
		got = append(got, text)
	}
	want := slices.Sorted(slices.Values(a.answer))
	if slices.Sort(got); !slices.Equal(got, want) {
		return fmt.Errorf("the answer is %q, want %q:\n%s", got, want, r.text)
	}
	for _, want := range a.authority {
		if !slices.ContainsFunc(r.authority, func(rec record) bool { return rec.name+" "+rec.typ == want }) {
			return fmt.Errorf("want %s in the authority section:\n%s", want, r.text)
		}
	}
	if !slices.Contains(r.flags, "ra") || slices.Contains(r.flags, "aa") || len(r.errors) > 0 {
		return fmt.Errorf("want the flag ra, and neither aa nor an extended error:\n%s", r.text)
	}
	return nil
}

// A server that cannot prove its identity is not trusted: for every change the two
// ways to fail over TLS are tried, by its name and by its root.
func TestUnprovenServer(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	needUnpacked(t, "nsd", "unbound")
	l := newLAN(t)
	unbound, root := newRecursor(l, "unbound", newAuthority(l, "nsd"))
	other, _ := makeCertificate(t)
	for _, test := range testkit.Some(3, []struct{ name, server, root, status string }{
		{"the right name", "tls://%s#" + secureName, root, "NOERROR"},
		{"another name", "tls://%s#other.example", root, "SERVFAIL"},
		{"another root", "tls://%s#" + secureName, other, "SERVFAIL"},
		{"another name, by HTTPS", "https://%s/dns-query#other.example", root, "SERVFAIL"},
		{"an address that the certificate lacks", "tls://%s", root, "SERVFAIL"},
	}) {
		n := through(l, test.name, fmt.Sprintf(test.server, unbound.v4()))
		n.write("/etc/ssl/certs/ca-certificates.crt", test.root)
		t.Run(test.name, func(t *testing.T) {
			n.boot()
			n.awaitReady()
			if test.status == "NOERROR" {
				n.awaitAnswers(t, "127.0.0.53", realAnswers()[:1])
				return
			}
			r, err := n.ask("www.plain.example", "A")
			must(t, err)
			must(t, r.expectStatus(test.status))
			if len(r.errors) == 0 {
				t.Errorf("want an extended error:\n%s", r.text)
			}
		})
	}
}
