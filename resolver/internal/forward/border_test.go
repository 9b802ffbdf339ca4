package forward

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Whatever a server replies, what is left of it is a chain without loops from the
// name asked for, and tracing it again changes nothing.
func FuzzTrace(f *testing.F) {
	seed := func(name string, qtype uint16, records ...string) {
		m := new(dns.Msg).SetQuestion(name, qtype)
		for i, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				f.Fatal(err)
			}
			section := []*[]dns.RR{&m.Answer, &m.Answer, &m.Answer, &m.Ns, &m.Extra}[i]
			*section = append(*section, rr)
		}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed("www.example.", dns.TypeA, "www.example. 60 CNAME a.ours.", "a.ours. 60 A 6.6.6.6", "b.ours. 60 A 6.6.6.6", "ours. 60 NS a.", "c.ours. 60 A 6.6.6.6")
	seed("x.www.example.", dns.TypeA, "www.example. 60 DNAME example.", "x.example. 60 CNAME y.example.", "y.example. 60 A 192.0.2.1")
	seed("x.www.example.", dns.TypeMX, "example. 60 DNAME x.example.", "www.example. 60 DNAME .", "x. 60 DNAME x.x.x.")
	seed(`a\.b.example.`, dns.TypeA, `a\.b.example. 60 CNAME A\.B.Example.`)
	seed(".", dns.TypeNS, ". 60 NS a.", ". 60 CNAME .", "a. 60 DNAME a.a.")
	covers := func(name string) bool { return !strings.HasSuffix(strings.ToLower(name), "ours.") }
	f.Fuzz(func(t *testing.T, message []byte) {
		m := new(dns.Msg)
		if m.Unpack(message) != nil || len(m.Question) != 1 {
			return
		}
		asked := m.Question[0]
		open, err := trace(asked.Name, asked.Qtype, m, covers)
		if err != nil {
			return
		}
		passed, target := passedBy(m)
		if open && (covers(target) || len(passed) == 0 || len(m.Answer) == 0 || m.Rcode != dns.RcodeSuccess) {
			t.Errorf("open, and leads to %s:\n%v", target, m)
		}
		if open {
			return
		}
		once := m.String()
		if again, err := trace(asked.Name, asked.Qtype, m, covers); again || err != nil || m.String() != once {
			t.Errorf("traced once:\n%s\nand again, %v:\n%v", once, err, m)
		}
	})
}
