package forward

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func everything(string) bool { return true }

// A few DNAME records can lead through more names than anybody could walk: here
// each label is a procedure that calls the one below it twice.
// Shows RFC 1034 3.6.2b.
func TestTraceOfAliasesWithoutEnd(t *testing.T) {
	const levels = 60
	m := new(dns.Msg).SetQuestion(fmt.Sprintf("x.f%d.evil.example.", levels), dns.TypeA)
	dname := func(owner, target string) {
		m.Answer = append(m.Answer, &dns.DNAME{
			Hdr:    dns.RR_Header{Name: owner, Rrtype: dns.TypeDNAME, Class: dns.ClassINET, Ttl: 60},
			Target: target,
		})
	}
	dname("f0.evil.example.", "evil.example.")
	for n := 1; n <= levels; n++ {
		dname(fmt.Sprintf("f%d.evil.example.", n), fmt.Sprintf("g%d.f%d.evil.example.", n, n-1))
		dname(fmt.Sprintf("g%d.evil.example.", n), fmt.Sprintf("f%d.evil.example.", n-1))
	}
	if _, err := trace(m.Question[0].Name, dns.TypeA, m, everything); !errors.Is(err, errLong) {
		t.Errorf("got %v", err)
	}
}

func TestTraceOfManyAliases(t *testing.T) {
	for aliases, want := range map[int]error{maxAliases: nil, maxAliases + 1: errLong} {
		m := new(dns.Msg).SetQuestion("a0.example.", dns.TypeA)
		for n := range aliases {
			m.Answer = append(m.Answer, &dns.CNAME{
				Hdr:    dns.RR_Header{Name: fmt.Sprintf("a%d.example.", n), Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60},
				Target: fmt.Sprintf("a%d.example.", n+1),
			})
		}
		if _, err := trace(m.Question[0].Name, dns.TypeA, m, everything); !errors.Is(err, want) {
			t.Errorf("%d aliases: got %v, want %v", aliases, err, want)
		}
	}
}

// Of the names above the last one a server may describe the zones, but say nothing
// of the hosts, which may be ours.
// Shows RFC 5452 6.
func TestTraceOfTheAuthoritySection(t *testing.T) {
	const soa, ns, ds, txt, aaaa = "box.example. 60 IN SOA a. b. 1 2 3 4 60", "box.example. 60 IN NS a.example.",
		"box.example. 60 IN DS 1 13 2 00", `box.example. 60 IN TXT "ours"`, "box.example. 60 IN AAAA 2001:db8::6"
	const signature = "box.example. 60 IN RRSIG %s 13 2 60 20300101000000 20200101000000 1 example. AAAA"
	const denial = "a.box.example. 60 IN NSEC z.box.example. A"
	m := new(dns.Msg).SetQuestion("www.box.example.", dns.TypeA)
	var want []string
	for _, tt := range []struct {
		record string
		stays  bool
	}{
		{soa, true},
		{ns, true},
		{ds, true},
		{fmt.Sprintf(signature, "SOA"), true},
		{denial, true},
		{txt, false},
		{aaaa, false},
		{fmt.Sprintf(signature, "AAAA"), false},
	} {
		rr, err := dns.NewRR(tt.record)
		if err != nil {
			t.Fatal(err)
		}
		m.Ns = append(m.Ns, rr)
		if tt.stays {
			want = append(want, rr.String())
		}
	}
	_, err := trace(m.Question[0].Name, dns.TypeA, m, func(name string) bool { return name != "box.example." })
	var got []string
	for _, rr := range m.Ns {
		got = append(got, rr.String())
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %q, want %q", err, got, want)
	}
}
