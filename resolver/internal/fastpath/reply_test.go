package fastpath

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// parsed is a query as a socket loop has it.
func parsed(t testing.TB, m *dns.Msg) *Query {
	t.Helper()
	q := new(Query)
	if !q.Parse(packed(t, m)) {
		t.Fatalf("not taken: %v", m)
	}
	return q
}

func name(t testing.TB, text string) decision.Name {
	t.Helper()
	wire, err := decision.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func TestAppend(t *testing.T) {
	const soa = " 5 IN SOA localhost. nobody.invalid. 1 3600 600 86400 5"
	since := time.Date(2026, 3, 4, 6, 6, 7, 8, time.FixedZone("", 3600))
	for about, tt := range map[string]struct {
		query   *dns.Msg
		verdict decision.Verdict
		records []string
	}{
		"IPv4 loopback":  {query("Localhost", dns.TypeA), decision.Verdict{Kind: decision.Loopback, TTL: 10}, []string{"Localhost. 10 IN A 127.0.0.1"}},
		"IPv6 loopback":  {query("localhost", dns.TypeAAAA), decision.Verdict{Kind: decision.Loopback, TTL: 1 << 31}, []string{"localhost. 2147483648 IN AAAA ::1"}},
		"a long TTL":     {query("localhost", dns.TypeA), decision.Verdict{Kind: decision.Loopback, TTL: 0x01020304}, []string{"localhost. 16909060 IN A 127.0.0.1"}},
		"not for long":   {query("www.example", dns.TypeA), decision.Verdict{Kind: decision.Negative, SOA: decision.Root, Minimum: 0x01020304}, []string{". 16909060 IN SOA localhost. nobody.invalid. 1 3600 600 86400 16909060"}},
		"localhost":      {query("1.0.0.127.in-addr.arpa", dns.TypePTR), decision.Verdict{Kind: decision.LocalhostName, TTL: 10}, []string{"1.0.0.127.in-addr.arpa. 10 IN PTR localhost."}},
		"a host":         {query("7.1.168.192.in-addr.arpa", dns.TypePTR), decision.Verdict{Kind: decision.HostName, HostName: "\x07printer\x03lan\x00", TTL: 10}, []string{"7.1.168.192.in-addr.arpa. 10 IN PTR printer.lan."}},
		"the root's SOA": {query("www.example", dns.TypeA), decision.Verdict{Kind: decision.Negative, Rcode: 3, SOA: decision.Root, Minimum: 5}, []string{"." + soa}},
		"a domain's SOA": {query("www.example", dns.TypeA), decision.Verdict{Kind: decision.Negative, SOA: name(t, "example"), Minimum: 5}, []string{"example." + soa}},
		"in capitals":    {query("www.EXAMPLE", dns.TypeA), decision.Verdict{Kind: decision.Negative, SOA: name(t, "example"), Minimum: 5}, []string{"example." + soa}},
		"nothing":        {query("www.example", dns.TypeA), decision.Verdict{Kind: decision.Bare, Rcode: 5}, nil},
		"an extended error": {
			withEDNS(query("www.example", dns.TypeA)),
			decision.Verdict{Kind: decision.Bare, Error: decision.ExtendedError{Code: dns.ExtendedErrorCodeStaleAnswer, Since: since}},
			[]string{"3 (Stale Answer): (since 2026-03-04T05:06:07Z)"},
		},
	} {
		t.Run(about, func(t *testing.T) {
			tt.verdict.Authoritative = true
			before := []byte("before")
			reply, ok := parsed(t, tt.query).Append(before, &tt.verdict, 512, nil)
			if !ok || !bytes.HasPrefix(reply, before) {
				t.Fatalf("%t, %q", ok, reply)
			}
			m := new(dns.Msg)
			if err := m.Unpack(reply[len(before):]); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, rr := range slices.Concat(m.Answer, m.Ns) {
				got = append(got, strings.Join(strings.Fields(rr.String()), " "))
			}
			if opt := m.IsEdns0(); opt != nil {
				for _, option := range opt.Option {
					got = append(got, option.String())
				}
			}
			if !slices.Equal(got, tt.records) || m.Rcode != tt.verdict.Rcode || !m.Authoritative || m.Question[0] != tt.query.Question[0] {
				t.Errorf("got\n%v", m)
			}
		})
	}
}

func TestAppendLeavesAlone(t *testing.T) {
	plain, edns := query("www.example", dns.TypeA), withEDNS(query("www.example", dns.TypeA))
	for about, tt := range map[string]struct {
		query   *dns.Msg
		verdict decision.Verdict
		limit   int
	}{
		"to be forwarded":   {plain, decision.Verdict{}, 512},
		"ANY":               {plain, decision.Verdict{Kind: decision.AnyType}, 512},
		"an extended rcode": {edns, decision.Verdict{Kind: decision.Bare, Rcode: 16}, 512},
		"too long a text":   {edns, decision.Verdict{Kind: decision.Bare, Error: decision.ExtendedError{Code: 1, Text: strings.Repeat("x", 257)}}, 512},
		"beyond the limit":  {plain, decision.Verdict{Kind: decision.Loopback}, len("123456789012") + len("\x03www\x07example\x001234") + 15},
		"with the OPT":      {edns, decision.Verdict{Kind: decision.Bare}, len("123456789012") + len("\x03www\x07example\x001234") + optLen - 1},
	} {
		t.Run(about, func(t *testing.T) {
			if reply, ok := parsed(t, tt.query).Append(nil, &tt.verdict, tt.limit, nil); ok {
				t.Errorf("written: %x", reply)
			}
		})
	}
}
