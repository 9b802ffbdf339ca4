package wire

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Replies makes replies. A server uses one for all of them.
type Replies struct {
	Cookies *cookie.Jar
	Now     func() time.Time // the wall clock, which cookies are timestamped with
	Idle    time.Duration    // how long a TCP connection may be silent
}

// Build makes a verdict into a reply. Extended errors of an upstream may be
// passed on with it.
func (w *Replies) Build(r *Request, v *decision.Verdict, passedOn ...*dns.EDNS0_EDE) *dns.Msg {
	m := new(dns.Msg)
	r.copyHeader(m)
	m.Rcode, m.Authoritative = v.Rcode, v.Authoritative
	m.Answer = answers(&r.Msg.Question[0], v, r.Limit)
	m.Extra = additional(v, m.Answer)
	if v.Kind == decision.Negative {
		m.Ns = []dns.RR{soa(v)}
	}
	w.addOPT(m, r, append(ExtendedOf(v), passedOn...))
	return m
}

// ExtendedOf is a verdict's own extended error, if it has one.
func ExtendedOf(v *decision.Verdict) []*dns.EDNS0_EDE {
	if !v.Error.Present() {
		return nil
	}
	return []*dns.EDNS0_EDE{{InfoCode: v.Error.Code, ExtraText: v.Error.Message()}}
}

// Rewrite makes an upstream's answer into a reply. Its content stays, as far as
// the verdict allows; what concerns the exchange of the message is replaced by
// our own. Extended errors of our own come first. The sections and their records
// are not changed but replaced, since other clients may wait for the same.
func (w *Replies) Rewrite(r *Request, trustAD bool, verdict *decision.Verdict, answer *dns.Msg, own ...*dns.EDNS0_EDE) *dns.Msg {
	extended, options := append(own, upstream.Extended(answer)...), upstream.PassedOn(answer)
	r.copyHeader(answer)
	if rcode := verdict.Outcome(answer.Rcode, len(answer.Answer) > 0); rcode != answer.Rcode {
		// AD covers only what the upstream sent.
		answer.Rcode, answer.AuthenticatedData = rcode, false
	}
	answer.Zero = false
	// The upstream may be authoritative for the name. We are not.
	answer.Authoritative = false
	// Only a trusted upstream's validation counts, and only a client that asks for
	// the bit understands it (RFC 6840, sections 5.7 and 5.8).
	wanted := r.Msg.AuthenticatedData || r.OPT != nil && r.OPT.Do()
	answer.AuthenticatedData = answer.AuthenticatedData && trustAD && wanted
	for _, section := range [...]*[]dns.RR{&answer.Answer, &answer.Ns, &answer.Extra} {
		*section = restoreCase(withoutTransport(*section), answer.Question[0].Name)
	}
	w.addOPT(answer, r, extended, options...)
	return answer
}

// Join completes a reply that ends with an alias by the reply to the request for
// what that leads to. The response code is about the last name (RFC 6604, section
// 3), and a failure about all of them. The records may be shared by other clients.
func (w *Replies) Join(r *Request, head, tail *dns.Msg, rest *Request) {
	opt := head.IsEdns0()
	head.Answer = append(slices.Clip(head.Answer), tail.Answer...)
	head.Ns = append(slices.Clip(head.Ns), tail.Ns...)
	head.Extra = slices.Clip(withoutTransport(tail.Extra))
	head.Rcode = tail.Rcode
	if head.Rcode != dns.RcodeSuccess && head.Rcode != dns.RcodeNameError {
		head.Answer, head.Ns, head.Extra = nil, nil, nil
	}
	head.Truncated = head.Truncated || tail.Truncated
	head.AuthenticatedData = head.AuthenticatedData && tail.AuthenticatedData
	r.Extended = latest(append(r.Extended, rest.Extended...))
	if opt == nil {
		return
	}
	opt.Option = append(options(r.Extended), slices.DeleteFunc(opt.Option, isExtended)...)
	head.Extra = append(head.Extra, opt)
}

// restoreCase spells the owners that are the name asked for as in the question:
// another client may have asked in another letter case.
func restoreCase(records []dns.RR, asked string) []dns.RR {
	own, shared := records, true
	for i, rr := range records {
		if name := rr.Header().Name; name == asked || !strings.EqualFold(name, asked) {
			continue
		}
		if shared {
			own, shared = slices.Clone(records), false
		}
		own[i] = dns.Copy(rr)
		own[i].Header().Name = asked
	}
	return own
}

// copyHeader makes a message one to the client: the flags that a reply copies
// (RFC 1035, section 4.1.1, and RFC 4035, section 3.2.2), and the question as
// it was spelled.
func (r *Request) copyHeader(m *dns.Msg) {
	m.Id = r.Msg.Id
	m.Response = true
	m.Opcode = dns.OpcodeQuery
	m.RecursionDesired = r.Msg.RecursionDesired
	m.RecursionAvailable = true
	m.CheckingDisabled = r.Msg.CheckingDisabled
	m.Question = r.Msg.Question
}

// withoutTransport leaves out the records that belong to one exchange only.
func withoutTransport(records []dns.RR) []dns.RR {
	ofTransport := func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeOPT || rr.Header().Rrtype == dns.TypeTSIG
	}
	if !slices.ContainsFunc(records, ofTransport) {
		return records
	}
	return slices.DeleteFunc(slices.Clone(records), ofTransport)
}

// Encode encodes a reply within the client's limit, with the TC bit if that
// takes something away, and returns its response code too. A reply that cannot
// be encoded is replaced by SERVFAIL, and so is the verdict.
func (w *Replies) Encode(r *Request, m *dns.Msg, verdict *decision.Verdict, buffer []byte) (packed []byte, rcode int) {
	// Measuring with compression costs more, and is rarely needed.
	if m.Len() > r.Limit {
		if m.Compress = true; m.Len() > r.Limit {
			trimOPT(m, r.Limit)
		}
	}
	answers, authority, truncated := len(m.Answer), len(m.Ns), m.Truncated
	m.Truncate(r.Limit)
	// Additional records are optional and no reason to ask again (RFC 2181,
	// section 9).
	m.Truncated = truncated || len(m.Answer) < answers || len(m.Ns) < authority
	packed, err := m.PackBuffer(buffer[:cap(buffer)])
	if err == nil && len(packed) <= r.Limit {
		return packed, m.Rcode
	}
	// What an upstream sent may be parsed and still not be encodable: for example
	// a name that is too long without compression.
	*verdict = decision.Refuse(dns.RcodeServerFailure, verdict.Source, "the reply cannot be encoded",
		decision.ExtendedError{Code: dns.ExtendedErrorCodeInvalidData, Text: "the upstream's answer cannot be passed on"})
	packed, _ = w.Build(r, verdict).Pack()
	return packed, verdict.Rcode
}

// Reject answers a message of which only the header can be trusted. The reply
// is a header too.
func Reject(message, buffer []byte, rcode int) []byte {
	const (
		response, recursionAvailable = 0x80, 0x80
		opcodeAndRD, checkingOff     = 0x79, 0x10
	)
	return append(buffer[:0],
		message[0], message[1],
		response|message[2]&opcodeAndRD,
		recursionAvailable|message[3]&checkingOff|byte(rcode),
		0, 0, 0, 0, 0, 0, 0, 0)
}

// RejectOpcode answers a message with an opcode that is not served, by NOTIMP. The
// other bits of the header mean something only with an opcode, so the reply has
// none of them; but it has an OPT record if the message had one (RFC 6891,
// section 6.1.1).
func RejectOpcode(message, buffer []byte) []byte {
	const response, opcode = 0x80, 0x78
	var m dns.Msg
	edns := m.Unpack(message) == nil && m.IsEdns0() != nil
	reply := append(buffer[:0],
		message[0], message[1], response|message[2]&opcode, dns.RcodeNotImplemented,
		0, 0, 0, 0, 0, 0, 0, 0)
	if !edns {
		return reply
	}
	const additional = 11 // the last octet of the count
	reply[additional] = 1
	return append(reply, 0, 0, byte(dns.TypeOPT), UDPLimit>>8, UDPLimit&0xff, 0, 0, 0, 0, 0, 0)
}
