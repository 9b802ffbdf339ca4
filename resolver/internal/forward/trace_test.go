package forward

import (
	"errors"
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

func everything(string) bool { return true }

// A few DNAME records can lead through more names than anybody could walk: here
// each label is a procedure that calls the one below it twice.
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
