package inspect

import (
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver"
)

// Shows RFC 3597 5.
func TestQuery(t *testing.T) {
	t.Parallel()
	up := newScript(t, map[string][]string{"www.example.org ": {"www.example.org. 60 IN TYPE65400 \\# 1 00"}})
	s := newScene(t, newZone(t, zoneReady), resolver.Upstreams{Servers: plain(up.addr)})
	tests := map[string]struct {
		name, qtype, rcode, source string
		authoritative              bool
		records                    []Record
	}{
		"a node":      {theirs, "a", "NOERROR", "zone", true, []Record{{theirs + ".", "A", 10, "10.0.0.10"}}},
		"nobody":      {nobody + ".", "AAAA", "NXDOMAIN", "zone", true, []Record{}},
		"special":     {"x.invalid", "TXT", "NXDOMAIN", "special", true, []Record{}},
		"upstream":    {"www.example.org", "TYPE65400", "NOERROR", "upstream", false, []Record{{"www.example.org.", "TYPE65400", 60, `\# 1 00`}}},
		"no transfer": {"nodes.example", "AXFR", "REFUSED", "request", false, []Record{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := s.Query(t.Context(), tt.name, tt.qtype)
			if err != nil {
				t.Fatal(err)
			}
			if got.Rcode != tt.rcode || got.Source != tt.source || got.Authoritative != tt.authoritative || got.Reason == "" || len(got.Records) != len(tt.records) {
				t.Fatalf("got %+v", got)
			}
			for i, want := range tt.records {
				if got.Records[i] != want {
					t.Errorf("record %+v, want %+v", got.Records[i], want)
				}
			}
		})
	}
	for name, qtype := range map[string]string{"a..b": "A", "x": "NOTYPE", "y": "TYPE65536", "z": "TYPE1x"} {
		if _, err := s.Query(t.Context(), name, qtype); err == nil {
			t.Errorf("%s %s is accepted", name, qtype)
		}
	}
}

func TestQueryReturnsExtendedErrors(t *testing.T) {
	t.Parallel()
	s := newScene(t, newZone(t, zoneReady), resolver.Upstreams{})
	got, err := s.Query(t.Context(), "www.example.org", "A")
	if err != nil || len(got.Errors) != 1 || got.Errors[0].Code != dns.ExtendedErrorCodeNotAuthoritative || got.Errors[0].Meaning == "" || !strings.Contains(got.Errors[0].Text, "upstream") {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Whose an extended error is shows, from the upstream and from the cache.
func TestQueryAttributesExtendedErrors(t *testing.T) {
	t.Parallel()
	const code = dns.ExtendedErrorCodeDNSBogus
	up := nameserver.Serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if strings.HasPrefix(q.Question[0].Name, "bogus.") {
			m.Rcode = dns.RcodeServerFailure
		} else {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 1)}}
		}
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: code, ExtraText: "as told"}}
		_ = w.WriteMsg(m)
	}, nil)
	s := newScene(t, newZone(t, zoneReady), resolver.Upstreams{Servers: plain(up)})
	theirs := ExtendedError{Code: code, Meaning: "DNSSEC Bogus", Server: plain(up)[0].String(), Text: "as told"}
	cached := ExtendedError{Code: dns.ExtendedErrorCodeCachedError, Meaning: "Cached Error"}
	for _, tt := range []struct {
		name string
		want []ExtendedError
	}{
		{"www.example.org", []ExtendedError{theirs}},
		{"www.example.org", []ExtendedError{theirs}},
		{"bogus.example.org", []ExtendedError{theirs}},
		{"bogus.example.org", []ExtendedError{cached, theirs}},
	} {
		e := s.explain(t, tt.name, dns.TypeA, false)
		if !slices.Equal(e.Answer.Errors, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, e.Answer.Errors, tt.want)
		}
	}
}
