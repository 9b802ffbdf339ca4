package upstream

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
	"github.com/nodedns/nodedns/resolver/internal/transport"
)

func mustQuestion(t testing.TB, query *dns.Msg) *question {
	t.Helper()
	q, err := newQuestion(query)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Shows RFC 1035 7.3a.
// Shows RFC 5452 9.1a, 9.1c.
func TestCheck(t *testing.T) {
	tests := map[string]struct {
		change      func(*dns.Msg)
		want, mixed error // the latter where the case counts
	}{
		"the reply":                {func(*dns.Msg) {}, nil, nil},
		"other case":               {func(m *dns.Msg) { m.Question[0].Name = "wWw.example." }, nil, errCase},
		"other name":               {func(m *dns.Msg) { m.Question[0].Name = "www.example." + "x." }, transport.ErrNotOurs, transport.ErrNotOurs},
		"other name, same length":  {func(m *dns.Msg) { m.Question[0].Name = "wwx.example." }, transport.ErrNotOurs, transport.ErrNotOurs},
		"other type":               {func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA }, transport.ErrNotOurs, transport.ErrNotOurs},
		"type that differs by 32":  {func(m *dns.Msg) { m.Question[0].Qtype ^= 0x2000 }, transport.ErrNotOurs, transport.ErrNotOurs},
		"other class":              {func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, transport.ErrNotOurs, transport.ErrNotOurs},
		"no question":              {func(m *dns.Msg) { m.Question = nil }, transport.ErrNotOurs, transport.ErrNotOurs},
		"a header only":            {func(m *dns.Msg) { m.Question, m.Answer = nil, nil }, nil, nil},
		"no question but an error": {func(m *dns.Msg) { m.Question, m.Rcode = nil, dns.RcodeRefused }, nil, nil},
		"two questions":            {func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, transport.ErrNotOurs, transport.ErrNotOurs},
		"a query":                  {func(m *dns.Msg) { m.Response = false }, transport.ErrNotOurs, transport.ErrNotOurs},
		"an update":                {func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }, transport.ErrNotOurs, transport.ErrNotOurs},
	}
	asked := query("www.example.")
	q := mustQuestion(t, asked)
	sent := q.wire(form{edns: noEDNS})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := reply(asked, "192.0.2.1")
			tt.change(m)
			message, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if err := q.check(sent, false)(message); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err := q.check(sent, true)(message); !errors.Is(err, tt.mixed) {
				t.Errorf("where case counts: got %v, want %v", err, tt.mixed)
			}
		})
	}
}

// An answer that was cut off is rejected. What is behind the answer may be missing.
func TestParseCut(t *testing.T) {
	asked := query("www.example.")
	m := reply(asked, "192.0.2.1")
	m.Answer = append(m.Answer, reply(asked, "192.0.2.2").Answer...)
	answer, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	m.SetEdns0(1232, false)
	whole, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	q := mustQuestion(t, asked)
	for end := headerLen; end <= len(whole); end++ {
		got, err := q.parse(whole[:end], false)
		switch {
		case end < len(answer) && !errors.Is(err, message.ErrUnreadable):
			t.Errorf("%d octets: got %v, %v", end, got, err)
		case end >= len(answer) && (err != nil || len(got.Answer) != 2 || (got.IsEdns0() != nil) != (end == len(whole))):
			t.Errorf("%d octets: got %v, %v", end, got, err)
		}
	}
}

// Shows RFC 4035 4.1.
// Shows RFC 6891 6.2.5a.
func TestWire(t *testing.T) {
	asked := query("www.example.")
	asked.SetEdns0(4096, true)
	asked.CheckingDisabled, asked.AuthenticatedData = true, true
	q := mustQuestion(t, asked)
	for name, f := range map[string]form{
		"plain": {edns: noEDNS, mark: 7}, "EDNS": {}, "marked": {mark: 7}, "padded": {padded: true},
		"all": {mark: 7, padded: true, mixed: true}, "without options": {edns: noOptions, mark: 7, mixed: true},
	} {
		t.Run(name, func(t *testing.T) {
			wire := q.wire(f)
			m := new(dns.Msg)
			if err := m.Unpack(wire); err != nil {
				t.Fatal(err)
			}
			if !m.CheckingDisabled || !m.AuthenticatedData || !m.RecursionDesired {
				t.Errorf("flags: %v", m.MsgHdr)
			}
			if f.padded && len(wire)%paddedTo != 0 {
				t.Errorf("%d octets", len(wire))
			}
			opt := m.IsEdns0()
			if (opt != nil) != (f.edns < noEDNS) {
				t.Fatalf("OPT: %v", opt)
			}
			if opt != nil && (!opt.Do() || opt.UDPSize() != 1232 || len(marks(opt)) != 8*int(min(f.mark, 1))*int(1-f.edns)) {
				t.Errorf("OPT: %v", opt)
			}
		})
	}
}

// A record that is malformed shows nothing about the server: another one is
// queried, and this one is still queried with EDNS.
func TestReplyThatIsNotWhole(t *testing.T) {
	broken := serve(t, func(w dns.ResponseWriter, q *dns.Msg) {
		_, _ = w.Write(halfAnAddress(q))
	}, nil)
	g := grouped(broken.addr)
	_, err := g.Exchange(t.Context(), query("www.example."))
	failure := (*Failure)(nil)
	if !errors.As(err, &failure) || failure.Code() != dns.ExtendedErrorCodeInvalidData {
		t.Fatalf("got %v", err)
	}
	if !g.pool.Status()[0].EDNS {
		t.Error("it is asked without EDNS from now on")
	}
	if got, _ := ask(t, grouped(broken.addr, serve(t, answering("192.0.2.1"), nil).addr)); firstA(got.Msg) != "192.0.2.1" {
		t.Errorf("got %v", got.Msg)
	}
}

// halfAnAddress is an answer with a part of its record.
func halfAnAddress(q *dns.Msg) []byte {
	m, err := new(dns.Msg).SetReply(q).Pack()
	if err != nil {
		panic(err)
	}
	m[7] = 1
	return append(m, 0xc0, headerLen, 0, byte(dns.TypeA), 0, dns.ClassINET, 0, 0, 0, 60, 0, 2, 192, 0)
}

// Whatever a server sends is ignored, an error, or a reply to the question.
func FuzzReply(f *testing.F) {
	asked := query("www.example.")
	good, _ := reply(asked, "192.0.2.1").Pack()
	f.Add(good, false)
	f.Add(good[:len(good)-3], true)
	f.Add(good[:headerLen], true)
	f.Fuzz(func(t *testing.T, octets []byte, mixed bool) {
		q := mustQuestion(t, asked)
		sent := q.wire(form{mixed: mixed})
		if q.check(sent, mixed)(octets) != nil {
			return
		}
		m, err := q.parse(octets, mixed)
		if err != nil {
			return
		}
		if !m.Response || m.Id != asked.Id || len(m.Question) != 1 || m.Question[0] != asked.Question[0] {
			t.Errorf("accepted as a reply: %v", m)
		}
		Rebinds(m, func(netip.Addr) bool { return false })
		Extended(m)
	})
}
