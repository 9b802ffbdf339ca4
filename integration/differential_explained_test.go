package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// comparison is a query, our reply, and that of the server behind us.
type comparison struct{ q, ours, theirs *dns.Msg }

// aspects are what is compared of two replies. The additional section is not: the
// OPT record is each server's own, and the other records only save queries.
var aspects = []struct {
	name string
	of   func(*dns.Msg) any
}{
	{"rcode", func(m *dns.Msg) any { return dns.RcodeToString[m.Rcode] }},
	{"question", func(m *dns.Msg) any { return questionText(m) }},
	{"AA", func(m *dns.Msg) any { return m.Authoritative }},
	{"RA", func(m *dns.Msg) any { return m.RecursionAvailable }},
	{"RD", func(m *dns.Msg) any { return m.RecursionDesired }},
	{"CD", func(m *dns.Msg) any { return m.CheckingDisabled }},
	{"AD", func(m *dns.Msg) any { return m.AuthenticatedData }},
	{"OPT", func(m *dns.Msg) any { return m.IsEdns0() != nil }},
	{"TTL", func(m *dns.Msg) any { return ttls(m) }},
	{"answer", func(m *dns.Msg) any { return sectionText(m.Answer) }},
	{"authority", func(m *dns.Msg) any { return sectionText(m.Ns) }},
}

// explainedDifference is a difference that may be.
type explainedDifference struct {
	what, why string   // of the manual's table
	in        []string // the aspects that it is about
	covers    func(comparison) bool
}

var explainedDifferences = []explainedDifference{
	{
		"AA is not set", "the answers are another server's",
		[]string{"AA"},
		func(c comparison) bool { return !c.ours.Authoritative },
	},
	{
		"RA is set", "nodedns asks further",
		[]string{"RA"},
		func(c comparison) bool { return c.ours.RecursionAvailable },
	},
	{
		"CD is as in the query", "RFC 4035, section 3.2.2; authoritative servers leave it out",
		[]string{"CD"},
		func(c comparison) bool { return c.ours.CheckingDisabled == c.q.CheckingDisabled },
	},
	{
		"AD is set only where the query has AD or DO", "RFC 6840, section 5.8",
		[]string{"AD"},
		func(c comparison) bool {
			opt := c.q.IsEdns0()
			return !c.ours.AuthenticatedData && !c.q.AuthenticatedData && (opt == nil || !opt.Do())
		},
	},
	{
		"AD of a query with CD is that of the time when it was asked for", "Unbound may have validated the answer since",
		[]string{"AD"},
		func(c comparison) bool { return c.q.CheckingDisabled },
	},
	{
		"TTLs have run down", "the cache counts them from when it asked",
		[]string{"TTL"},
		func(c comparison) bool { return ttls(c.ours) <= zoneTTL },
	},
	{
		"NS records stand beside an answer, or do not", "a server leaves them out where there is little room, and has more room for nodedns",
		[]string{"authority", "TTL"},
		func(c comparison) bool { return sectionText(proofs(c.ours)) == sectionText(proofs(c.theirs)) },
	},
	{
		"a reply that only names other servers lacks their records the second time", "it is no answer, and is kept as a failure",
		[]string{"authority", "TTL"},
		func(c comparison) bool { return referral(c.theirs) && len(c.ours.Ns) == 0 },
	},
	{
		"aliases in a circle are SERVFAIL", "a server that does not follow aliases leaves them to the client; nodedns follows them",
		[]string{"rcode", "answer", "authority", "TTL"},
		func(c comparison) bool { return inCircle(c.theirs) && c.ours.Rcode == dns.RcodeServerFailure },
	},
	{
		"a class other than IN is REFUSED", "there is nothing of the kind, and it is not forwarded",
		[]string{"rcode", "question", "answer", "authority", "TTL"},
		func(c comparison) bool {
			return c.q.Question[0].Qclass != dns.ClassINET && c.ours.Rcode == dns.RcodeRefused
		},
	},
	{
		"the question has the letters of the query", "dnsmasq answers concurrent queries of one name with the letters of the first",
		[]string{"question"},
		func(c comparison) bool {
			ours, theirs := questionText(c.ours), questionText(c.theirs)
			return ours == questionText(c.q) && strings.EqualFold(ours, theirs)
		},
	},
	{
		"an answer to type RRSIG has some of the signatures", "Unbound gives those that it has just then",
		[]string{"answer", "authority", "TTL"},
		func(c comparison) bool { return c.q.Question[0].Qtype == dns.TypeRRSIG },
	},
}

// unexplained returns in what our reply differs from the server's, beyond what may.
func (c comparison) unexplained() error {
	var lines []string
	for _, aspect := range aspects {
		ours, theirs := aspect.of(c.ours), aspect.of(c.theirs)
		if ours == theirs {
			continue
		}
		if !slices.ContainsFunc(explainedDifferences, func(e explainedDifference) bool { return slices.Contains(e.in, aspect.name) && e.covers(c) }) {
			lines = append(lines, fmt.Sprintf("%s is %v, want %v", aspect.name, ours, theirs))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return fmt.Errorf("%s:\n%v\nOURS\n%v\nTHEIRS\n%v", strings.Join(lines, "\n"), c.q, c.ours, c.theirs)
}

// The manual has each difference, and why.
func TestExplainedDifferences(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/clients.md")
	must(t, err)
	table := "| difference | why |\n| --- | --- |\n"
	for _, e := range explainedDifferences {
		table += fmt.Sprintf("| %s | %s |\n", e.what, e.why)
	}
	if !strings.Contains(string(page), "\n\n"+table+"\n") {
		t.Errorf("docs/clients.md has another table than this one:\n%s", table)
	}
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

// questionText is the question of a message, each octet of it written in one way.
func questionText(m *dns.Msg) (text string) {
	for _, question := range m.Question {
		text += question.String()
	}
	return text
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

// ttls is the greatest TTL of a reply, OPT records apart.
func ttls(m *dns.Msg) (greatest uint32) {
	for _, rr := range slices.Concat(m.Answer, m.Ns) {
		greatest = max(greatest, rr.Header().Ttl)
	}
	return greatest
}
