package resolver

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/wire"
)

// Shows RFC 1034 3.1, 4.3.1a.
// Shows RFC 1035 3.4.1, 3.5, 4.1.1a, 4.1.1b, 4.1.1c, 4.1.2a, 4.2.
// Shows RFC 1123 6.1.3.2a.
// Shows RFC 2308 3.
// Shows RFC 3596 2.2, 2.3.
// Shows RFC 4035 3.2.2a.
// Shows RFC 4343 4.1a.
// Shows RFC 5625 4.4.1.
// Shows RFC 6761 6.3a.
// Shows RFC 7766 5a.
// Shows RFC 8482 4.2.
// Shows RFC 9210 3.
func TestAnswersOnTheWire(t *testing.T) {
	s := start(t, newServer(t, settings()))
	const soa = " 10 IN SOA localhost. nobody.invalid. 1 3600 600 86400 10"
	tests := map[string]struct {
		name      string
		qtype     uint16
		rcode     int
		answer    []string
		authority []string
	}{
		"A":                 {theirs, dns.TypeA, 0, []string{theirs + ". 10 IN A 10.0.0.10"}, nil},
		"AAAA":              {theirs, dns.TypeAAAA, 0, []string{theirs + ". 10 IN AAAA 2001:db9::a"}, nil},
		"case is echoed":    {strings.ToUpper(theirs), dns.TypeA, 0, []string{strings.ToUpper(theirs) + ". 10 IN A 10.0.0.10"}, nil},
		"in a local domain": {ours + ".Nodes.example", dns.TypeA, 0, []string{ours + ".Nodes.example. 10 IN A 10.0.0.1"}, nil},
		"PTR":               {"10.0.0.10.in-addr.arpa", dns.TypePTR, 0, []string{"10.0.0.10.in-addr.arpa. 10 IN PTR " + theirs + "."}, nil},
		"ANY":               {theirs, dns.TypeANY, 0, []string{theirs + `. 10 IN HINFO "RFC8482" ""`}, nil},
		"NODATA":            {ours, dns.TypeAAAA, 0, nil, []string{"." + soa}},
		"NXDOMAIN":          {nobody, dns.TypeA, dns.RcodeNameError, nil, []string{"." + soa}},
		"NXDOMAIN, domain":  {"www.nodes.example", dns.TypeA, dns.RcodeNameError, nil, []string{"nodes.example." + soa}},
		"localhost":         {"localhost", dns.TypeA, 0, []string{"localhost. 10 IN A 127.0.0.1"}, nil},
		"localhost, IPv6":   {"x.localhost", dns.TypeAAAA, 0, []string{"x.localhost. 10 IN AAAA ::1"}, nil},
		"localhost, PTR":    {"1.0.0.127.in-addr.arpa", dns.TypePTR, 0, []string{"1.0.0.127.in-addr.arpa. 10 IN PTR localhost."}, nil},
	}
	for name, tt := range tests {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				q := query(tt.name, tt.qtype)
				q.CheckingDisabled, q.AuthenticatedData = true, true
				m := dial(t, s, network).exchange(q)
				if m.Rcode != tt.rcode || !slices.Equal(texts(m.Answer), tt.answer) || !slices.Equal(texts(m.Ns), tt.authority) || len(m.Extra) != 0 {
					t.Errorf("got\n%v", m)
				}
				if !m.Authoritative || !m.RecursionAvailable || !m.RecursionDesired || !m.CheckingDisabled || m.AuthenticatedData || m.Zero {
					t.Errorf("flags are wrong:\n%v", m)
				}
				if m.Question[0] != q.Question[0] {
					t.Errorf("question %v", m.Question[0])
				}
			})
		}
	}
}

// mutate is a query for our name whose octets are then changed.
func mutate(t *testing.T, change func([]byte) []byte) []byte {
	t.Helper()
	return change(packed(t, withEDNS(query(ours, dns.TypeA), 1232)))
}

// Shows RFC 1035 2.3.4a, 4.1.1d, 4.1.2b, 4.1.4b.
// Shows RFC 6891 6.1.1a, 6.1.1d, 6.1.2a.
// Shows RFC 7873 5.2.2, 5.4.
func TestMalformedMessages(t *testing.T) {
	s := start(t, newServer(t, settings()))
	put := func(offset int, value uint16) func([]byte) []byte {
		return func(b []byte) []byte { binary.BigEndian.PutUint16(b[offset:], value); return b }
	}
	const optLen = 11
	opt := func(b []byte) []byte { return b[len(b)-optLen:] }
	tests := map[string]struct {
		message []byte
		rcode   int
	}{
		"QDCOUNT 0": {mutate(t, func(b []byte) []byte {
			return put(4, 0)(slices.Delete(b, wire.HeaderLen, len(b)-optLen))
		}), dns.RcodeFormatError},
		"QDCOUNT 2": {mutate(t, func(b []byte) []byte {
			return put(4, 2)(slices.Insert(b, wire.HeaderLen, b[wire.HeaderLen:len(b)-optLen]...))
		}), dns.RcodeFormatError},
		"QDCOUNT 2 and one question": {mutate(t, put(4, 2)), dns.RcodeFormatError},
		"header only":                {mutate(t, func(b []byte) []byte { return b[:wire.HeaderLen] }), dns.RcodeFormatError},
		"cut in the name":            {mutate(t, func(b []byte) []byte { return b[:20] }), dns.RcodeFormatError},
		"cut in the OPT":             {mutate(t, func(b []byte) []byte { return b[:len(b)-3] }), dns.RcodeFormatError},
		"ARCOUNT too high":           {mutate(t, put(10, 2)), dns.RcodeFormatError},
		"ANCOUNT too high":           {mutate(t, put(6, 9)), dns.RcodeFormatError},
		"two OPTs": {mutate(t, func(b []byte) []byte {
			return append(put(10, 2)(b), opt(b)...)
		}), dns.RcodeFormatError},
		"OPT owner is not the root": {mutate(t, func(b []byte) []byte {
			return slices.Insert(b, len(b)-optLen, 1, 'x')
		}), dns.RcodeFormatError},
		"OPT in the answer":   {mutate(t, func(b []byte) []byte { return put(6, 1)(put(10, 0)(b)) }), dns.RcodeFormatError},
		"compression loop":    {mutate(t, put(wire.HeaderLen, 0xc00c)), dns.RcodeFormatError},
		"label of 64 octets":  {mutate(t, func(b []byte) []byte { b[wire.HeaderLen] = 0x40; return b }), dns.RcodeFormatError},
		"cookie of 7 octets":  {cookieQuery(t, "00112233445566"), dns.RcodeFormatError},
		"cookie of 9 octets":  {cookieQuery(t, "001122334455667788"), dns.RcodeFormatError},
		"cookie of 41 octets": {cookieQuery(t, strings.Repeat("00", 41)), dns.RcodeFormatError},
	}
	for name, tt := range tests {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				c := dial(t, s, network)
				c.send(tt.message)
				reply := c.receive()
				want := append(slices.Clone(tt.message[:2]), 0x80|tt.message[2], 0x80|byte(tt.rcode), 0, 0, 0, 0, 0, 0, 0, 0)
				if !bytes.Equal(reply, want) {
					t.Errorf("got  %x\nwant %x", reply, want)
				}
				// The connection stays usable: the messages are still delimited.
				if m := c.exchange(query(ours, dns.TypeA)); len(m.Answer) != 1 {
					t.Errorf("the next query gets %v", m)
				}
			})
		}
	}
}

// A reply to another opcode than QUERY has that opcode, NOTIMP, and none of the
// bits that a query has; and an OPT record if there was one.
// Shows RFC 1035 4.1.1a, 4.1.1e.
// Shows RFC 6891 6.1.1b.
func TestOtherOpcodes(t *testing.T) {
	s := start(t, newServer(t, settings()))
	const opt = "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
	for opcode := 1; opcode < 16; opcode++ {
		for name, tt := range map[string]struct {
			change func([]byte) []byte
			opt    string
		}{
			"with EDNS":                      {func(b []byte) []byte { return b }, opt},
			"without":                        {func(b []byte) []byte { b[11] = 0; return b[:len(b)-len(opt)] }, ""},
			"a header":                       {func(b []byte) []byte { clear(b[4:]); return b[:wire.HeaderLen] }, ""},
			"garbage":                        {func(b []byte) []byte { return b[:15] }, ""},
			"all bits that a query may have": {func(b []byte) []byte { b[2], b[3] = b[2]|0x07, 0xff; return b }, opt},
		} {
			for _, network := range []string{"udp", "tcp"} {
				message := mutate(t, func(b []byte) []byte { b[2] |= byte(opcode) << 3; return tt.change(b) })
				c := dial(t, s, network)
				c.send(message)
				header := []byte{message[0], message[1], 0x80 | byte(opcode)<<3, dns.RcodeNotImplemented, 0, 0, 0, 0, 0, 0, 0, byte(min(1, len(tt.opt)))}
				if got, want := c.receive(), append(header, tt.opt...); !bytes.Equal(got, want) {
					t.Errorf("opcode %d, %s, over %s: got  %x\nwant %x", opcode, name, network, got, want)
				}
			}
		}
	}
}

// Bits without a meaning in a query, and records that it should not have, are none
// of our business; the reply has none of them.
// Shows RFC 5625 4.1a.
// Shows RFC 6891 6.1.4b.
func TestUnknownFlagsAreIgnored(t *testing.T) {
	s := start(t, newServer(t, settings()))
	for name, change := range map[string]func(*dns.Msg){
		"AA":           func(q *dns.Msg) { q.Authoritative = true },
		"TC":           func(q *dns.Msg) { q.Truncated = true },
		"RA":           func(q *dns.Msg) { q.RecursionAvailable = true },
		"the reserved": func(q *dns.Msg) { q.Zero = true },
		"a code":       func(q *dns.Msg) { q.Rcode = dns.RcodeRefused },
		"bits of EDNS": func(q *dns.Msg) { q.IsEdns0().SetZ(0x3fff) },
		"an answer":    func(q *dns.Msg) { q.Answer = []dns.RR{&dns.NULL{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNULL}}} },
		"another record": func(q *dns.Msg) {
			q.Extra = append(q.Extra, &dns.NULL{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNULL}})
		},
	} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				q := withEDNS(query(theirs, dns.TypeA), 1232)
				change(q)
				m := dial(t, s, network).exchange(q)
				if want := []string{theirs + ". 10 IN A 10.0.0.10"}; m.Rcode != dns.RcodeSuccess || !slices.Equal(texts(m.Answer), want) {
					t.Errorf("got\n%v", m)
				}
				if !m.Authoritative || m.Truncated || m.Zero || len(m.Extra) != 1 || m.IsEdns0().Z() != 0 {
					t.Errorf("flags are wrong:\n%v", m)
				}
			})
		}
	}
}

func cookieQuery(t *testing.T, cookie string) []byte {
	t.Helper()
	return packed(t, withEDNS(query(ours, dns.TypeA), 1232, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie}))
}

// Shows RFC 1035 4.1.1i.
func TestMessagesThatGetSilence(t *testing.T) {
	s := start(t, newServer(t, settings()))
	for name, message := range map[string][]byte{
		"a response":         mutate(t, func(b []byte) []byte { b[2] |= 0x80; return b }),
		"a garbled response": mutate(t, func(b []byte) []byte { b[2] |= 0x80; return b[:14] }),
		"less than a header": mutate(t, func(b []byte) []byte { return b[:wire.HeaderLen-1] }),
		"an empty one":       {},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.Stats().Dropped
			c := dial(t, s, "udp")
			c.send(message)
			c.exchange(query(ours, dns.TypeA)) // has the first reply
			if got := s.Stats().Dropped - before; got != 1 {
				t.Errorf("%d messages counted as dropped, want 1", got)
			}
		})
	}
}

// Shows RFC 1035 4.1.1f, 4.1.2a.
// Shows RFC 1123 6.1.2.2.
// Shows RFC 3597 3b.
// Shows RFC 5625 6.2.
// Shows RFC 6891 6.1.1b, 6.1.3a.
// Shows RFC 7766 5a.
// Shows RFC 8914 2a, 4.19, 4.21.
func TestQueriesThatAreTurnedDown(t *testing.T) {
	s := start(t, newServer(t, settings()))
	outside := settings()
	outside.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	closed := start(t, newServer(t, outside))
	class := func(class uint16) *dns.Msg {
		q := withEDNS(query(ours, dns.TypeA), 1232)
		q.Question[0].Qclass = class
		return q
	}
	version := withEDNS(query(ours, dns.TypeA), 1232)
	version.IsEdns0().SetVersion(1)
	tests := map[string]struct {
		server *Server
		query  *dns.Msg
		rcode  int
		ede    int
	}{
		"EDNS version 1":        {s, version, dns.RcodeBadVers, -1},
		"class CH":              {s, class(dns.ClassCHAOS), dns.RcodeRefused, -1},
		"class ANY":             {s, class(dns.ClassANY), dns.RcodeRefused, -1},
		"AXFR":                  {s, withEDNS(query("nodes.example", dns.TypeAXFR), 1232), dns.RcodeRefused, -1},
		"IXFR":                  {s, withEDNS(query("nodes.example", dns.TypeIXFR), 1232), dns.RcodeRefused, -1},
		"client outside allow":  {closed, withEDNS(query(ours, dns.TypeA), 1232), dns.RcodeRefused, int(dns.ExtendedErrorCodeProhibited)},
		"client without EDNS":   {closed, query(ours, dns.TypeA), dns.RcodeRefused, -1},
		"no upstreams":          {s, withEDNS(query("www.example.org", dns.TypeA), 1232), dns.RcodeRefused, int(dns.ExtendedErrorCodeNotAuthoritative)},
		"no upstreams, no EDNS": {s, query("www.example.org", dns.TypeA), dns.RcodeRefused, -1},
	}
	for name, tt := range tests {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(name+" over "+network, func(t *testing.T) {
				m := dial(t, tt.server, network).exchange(tt.query)
				if m.Rcode != tt.rcode || ede(m) != tt.ede || len(m.Answer)+len(m.Ns) != 0 || m.Authoritative {
					t.Errorf("want %s and extended error %d, got\n%v", dns.RcodeToString[tt.rcode], tt.ede, m)
				}
				if len(m.Question) != 1 || m.Question[0] != tt.query.Question[0] {
					t.Errorf("question %v", m.Question)
				}
				if opt := m.IsEdns0(); (opt != nil) != (tt.query.IsEdns0() != nil) || opt != nil && opt.Version() != 0 {
					t.Errorf("OPT %v", opt)
				}
			})
		}
	}
}
