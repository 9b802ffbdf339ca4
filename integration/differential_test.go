package integration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit"
)

// differentialSeed is the seed of the generator of queries, unless NODEDNS_SEED is
// set.
const differentialSeed = 1

// Clients get from us what our upstream answers, whether we have queried it
// just now or before. What differs is:
//
//   - the ID, AA and RA: those are ours; CD, which NSD does not copy from the
//     query as it should (RFC 4035, section 3.2.2);
//   - TTLs, which have run down since we queried, and are never more than the
//     zone's;
//   - AD where the client did not request it, since we leave it out (RFC 6840,
//     section 5.8), or where it set CD: Unbound may have validated the answer
//     since our query;
//   - NS records beside an answer, which a server leaves out where there is
//     little room: it has more for us;
//   - the additional section: the OPT record is each server's own.
//
// With NODEDNS_FULL=1 there are ten times as many queries.
func TestSameAsServer(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	needUnpacked(t, "nsd", "unbound")
	seed := uint64(differentialSeed)
	if text := os.Getenv("NODEDNS_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	l := newLAN(t)
	nsd := newAuthority(l, "nsd")
	unbound, _ := newRecursor(l, "unbound", nsd)
	for _, server := range []*host{nsd.host, unbound} {
		n := through(l, "node-of-"+server.name, server.v4().String(), "trust_ad = true")
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			t.Logf("NODEDNS_SEED=%d", seed)
			n.boot()
			n.awaitReady()
			ours, theirs := newClient(t, n.machine, "127.0.0.53:53"), newClient(t, n.machine, server.v4().String()+":53")
			g := newGenerator(t, seed)
			if server == nsd.host {
				// A recursive server would search for it for a long time.
				g.names = append(g.names, elsewhere)
			}
			var queries []*dns.Msg
			for range testkit.Times(400, 4000) {
				q := g.next()
				if server == unbound {
					// Without RD it answers what it happens to have in its
					// cache, and so do we.
					q.RecursionDesired = true
				}
				queries = append(queries, q)
			}
			compare := func(q *dns.Msg) (failed bool, err error) {
				r := ours.ask(q)
				return r.Rcode == dns.RcodeServerFailure, differ(q, r, theirs.ask(q))
			}
			failures := 0
			for _, round := range []string{"asked", "asked again"} {
				var failed []*dns.Msg
				for i, q := range queries {
					if fails, err := compare(q); err != nil && fails {
						failed = append(failed, q)
					} else if err != nil {
						t.Errorf("query %d, %s: %v", i, round, err)
						if failures++; failures == 10 {
							t.FailNow()
						}
					}
				}
				awaitAll(t, "the same is "+round, failed, func(q *dns.Msg) error { _, err := compare(q); return err })
			}
		})
	}
}

// client queries one server, and over TCP what UDP is too small for.
type client struct {
	t      testing.TB
	m      *machine
	server string
	udp    *dns.Conn
}

func newClient(t testing.TB, m *machine, server string) *client {
	t.Helper()
	conn, err := m.dial("udp", server)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return &client{t, m, server, &dns.Conn{Conn: conn, UDPSize: dns.MaxMsgSize}}
}

func (c *client) ask(q *dns.Msg) *dns.Msg {
	c.t.Helper()
	timed := &dns.Client{Timeout: 10 * time.Second}
	q.Id = dns.Id()
	r, _, err := timed.ExchangeWithConn(q, c.udp)
	if err == nil && r.Truncated {
		conn, dialErr := c.m.dial("tcp", c.server)
		must(c.t, dialErr)
		defer conn.Close()
		r, _, err = timed.ExchangeWithConn(q, &dns.Conn{Conn: conn})
	}
	if err != nil {
		c.t.Fatalf("%s: %v: %v", c.server, err, q)
	}
	return r
}

// differ returns in what our answer differs from the server's, beyond what may.
func differ(q, ours, theirs *dns.Msg) error {
	var errs []error
	check := func(what string, got, want any) {
		if got != want {
			errs = append(errs, fmt.Errorf("%s is %v, want %v", what, got, want))
		}
	}
	if inCircle(theirs) {
		// A server that does not follow aliases leaves them to the client.
		check("rcode", dns.RcodeToString[ours.Rcode], "SERVFAIL")
		return errors.Join(errs...)
	}
	check("rcode", dns.RcodeToString[ours.Rcode], dns.RcodeToString[theirs.Rcode])
	check("the question", ours.Question[0], theirs.Question[0])
	check("AA", ours.Authoritative, false)
	check("RA", ours.RecursionAvailable, true)
	check("RD", ours.RecursionDesired, theirs.RecursionDesired)
	check("CD", ours.CheckingDisabled, q.CheckingDisabled)
	check("the presence of OPT", ours.IsEdns0() != nil, theirs.IsEdns0() != nil)
	if opt := q.IsEdns0(); !q.CheckingDisabled && (q.AuthenticatedData || opt != nil && opt.Do()) {
		check("AD", ours.AuthenticatedData, theirs.AuthenticatedData)
	}
	check("the answer", sectionText(ours.Answer), sectionText(theirs.Answer))
	if !referral(theirs) || sectionText(ours.Ns) != "" {
		check("the authority", sectionText(proofs(ours)), sectionText(proofs(theirs)))
	}
	for _, rr := range slices.Concat(ours.Answer, ours.Ns) {
		if ttl := rr.Header().Ttl; ttl > 300 {
			errs = append(errs, fmt.Errorf("the TTL of %v is too great", rr))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w:\n%v\nOURS\n%v\nTHEIRS\n%v", errors.Join(errs...), q, ours, theirs)
	}
	return nil
}

// referral reports whether a reply is no answer, and only names other servers. It
// is passed on, and then kept as a failure, of which the records are not.
func referral(m *dns.Msg) bool {
	return !m.Authoritative && !m.RecursionAvailable && m.Rcode == dns.RcodeSuccess && len(m.Answer) == 0
}

// inCircle reports whether the aliases of a reply lead in a circle.
func inCircle(m *dns.Msg) bool {
	aliases := map[string]string{}
	for _, rr := range m.Answer {
		if alias, ok := rr.(*dns.CNAME); ok && m.Question[0].Qtype != dns.TypeCNAME && m.Question[0].Qtype != dns.TypeANY {
			aliases[strings.ToLower(alias.Hdr.Name)] = strings.ToLower(alias.Target)
		}
	}
	name := strings.ToLower(m.Question[0].Name)
	for range aliases {
		name = aliases[name]
	}
	return aliases[name] != ""
}

// proofs are the records of the authority section that prove something about
// the answer.
func proofs(m *dns.Msg) []dns.RR {
	return slices.DeleteFunc(slices.Clone(m.Ns), func(rr dns.RR) bool {
		sig, signs := rr.(*dns.RRSIG)
		return len(m.Answer) > 0 && (rr.Header().Rrtype == dns.TypeNS || signs && sig.TypeCovered == dns.TypeNS)
	})
}

// sectionText is the records of a section, without an order, TTLs and case: a
// name that is compressed has the case of the question.
func sectionText(rrs []dns.RR) string {
	var lines []string
	for _, rr := range rrs {
		rr = dns.Copy(rr)
		rr.Header().Ttl = 0
		lines = append(lines, strings.ToLower(rr.String()))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// generator makes queries.
type generator struct {
	*rand.Rand
	names []string
}

func newGenerator(t testing.TB, seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	for _, rr := range slices.Concat(plainRecords(t, plainZone), plainRecords(t, signedZone),
		readZone(t, "testdata/child.plain.example.zone", childZone)) {
		if name := rr.Header().Name; !strings.HasSuffix(name, elsewhere) {
			g.names = append(g.names, name)
		}
	}
	slices.Sort(g.names)
	g.names = slices.Compact(g.names)
	return g
}

// next is a query of any kind, of names in the zones and of others below them.
func (g *generator) next() *dns.Msg {
	q := new(dns.Msg).SetQuestion(g.mixed(g.name()), g.typ())
	q.RecursionDesired = g.IntN(10) > 0
	q.CheckingDisabled = g.IntN(4) == 0
	q.AuthenticatedData = g.IntN(4) == 0
	if g.IntN(3) > 0 {
		q.SetEdns0([]uint16{512, 1232, 4096}[g.IntN(3)], g.IntN(2) == 0)
	}
	return q
}

func (g *generator) name() string {
	name := g.names[g.IntN(len(g.names))]
	if wildcard, ok := strings.CutPrefix(name, "*."); ok {
		name = fmt.Sprintf("w%d.%s", g.IntN(20), wildcard)
	}
	switch g.IntN(5) {
	case 0: // mostly does not exist
		return fmt.Sprintf("x%d.%s", g.IntN(20), name)
	case 1: // often is empty, or a zone
		if labels := dns.CountLabel(name); labels > 3 {
			return name[dns.Split(name)[g.IntN(labels-2)]:]
		}
	}
	return name
}

func (g *generator) typ() uint16 {
	known := []uint16{
		dns.TypeA, dns.TypeA, dns.TypeA, dns.TypeAAAA, dns.TypeAAAA, dns.TypeCNAME, dns.TypeMX, dns.TypeNS,
		dns.TypePTR, dns.TypeSOA, dns.TypeSRV, dns.TypeTXT, dns.TypeCAA, dns.TypeHTTPS, dns.TypeLOC,
		dns.TypeDNSKEY, dns.TypeNSEC, 65280, 65281,
	}
	if i := g.IntN(len(known) + 2); i < len(known) {
		return known[i]
	}
	return uint16(300 + g.IntN(60000)) // mostly unassigned
}

// mixed writes a name in random letters.
func (g *generator) mixed(name string) string {
	letters := []byte(name)
	for i := range letters {
		if c := letters[i] | 0x20; 'a' <= c && c <= 'z' && g.IntN(2) == 0 {
			letters[i] ^= 0x20
		}
	}
	return string(letters)
}
