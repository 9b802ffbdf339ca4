package upstream

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

// Shows RFC 8914 3c.
func TestAttribution(t *testing.T) {
	servers := []Server{
		Plain(netip.MustParseAddrPort("192.0.2.53:53")), Plain(netip.MustParseAddrPort("[2001:db8::53]:5353")),
		{Transport: TLS, Addr: netip.MustParseAddrPort("192.0.2.53:853"), Name: "dns.example"},
	}
	for _, server := range servers {
		for _, said := range []string{"", "signature expired", "from 192.0.2.99: a lie", ": x"} {
			m := new(dns.Msg).SetEdns0(payload, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{ExtraText: said}}
			attribute(m, server)
			if by, text := Attribution(Extended(m)[0].ExtraText); by != server.String() || text != said {
				t.Errorf("%q of %v is %q of %q", said, server, text, by)
			}
		}
	}
	for _, ours := range []string{"", "192.0.2.53: no answer in time", "since yesterday"} {
		if by, text := Attribution(ours); by != "" || text != ours {
			t.Errorf("%q is %q of %q", ours, text, by)
		}
	}
}

// The reason why an answer has no signatures is ours, though it is in the answer,
// and the first: of many errors the first are passed on.
func TestAttributionOfAnAnswerWithoutEDNS(t *testing.T) {
	for theirs := range maxExtended + 1 {
		m := new(dns.Msg)
		if theirs > 0 {
			m.SetEdns0(payload, false)
		}
		for range theirs {
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{ExtraText: attributedFrom + "192.0.2.53:53"})
		}
		explainPlain(m, Plain(netip.MustParseAddrPort("192.0.2.53:53")))
		first := Extended(m)[0]
		if by, _ := Attribution(first.ExtraText); by != "" || first.InfoCode != dns.ExtendedErrorCodeRRSIGsMissing {
			t.Errorf("beside %d of theirs the first is %v, of %q", theirs, first, by)
		}
	}
}
