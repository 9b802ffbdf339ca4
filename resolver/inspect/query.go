package inspect

import (
	"context"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Record is one resource record, as text.
type Record struct {
	Name string `json:"name"` // with its final dot
	Type string `json:"type"`
	TTL  uint32 `json:"ttl"` // seconds
	Data string `json:"data"`
}

// ExtendedError is an extended DNS error (RFC 8914).
type ExtendedError struct {
	Code    uint16 `json:"code"`
	Meaning string `json:"meaning"`
	// Server is the upstream that gave it, as the configuration spells it; absent
	// for our own.
	Server string `json:"server,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Answer is what a name resolves to, and the reason.
type Answer struct {
	Name          string          `json:"name"`
	Type          string          `json:"type"`
	Rcode         string          `json:"rcode"` // such as NOERROR
	Authoritative bool            `json:"authoritative"`
	Records       []Record        `json:"records"`
	Authority     []Record        `json:"authority,omitempty"`
	Errors        []ExtendedError `json:"errors,omitempty"`
	Source        string          `json:"source"` // zone, hosts, special, upstream, cache or request
	Reason        string          `json:"reason"` // the rule that decided
	Provenance
	// Hops are the names behind its aliases that were decided on anew, in their
	// order.
	Hops []Hop `json:"hops,omitempty"`
	// Server is the upstream that answered now, as the configuration spells it;
	// absent for what did not need any. Protocol is how its answer came: udp,
	// tcp, tls or https.
	Server   string        `json:"server,omitempty"`
	Protocol string        `json:"protocol,omitempty"`
	Duration time.Duration `json:"duration"` // nanoseconds
}

// Hop is a name behind aliases, and what decided on it.
type Hop struct {
	Name   string `json:"name"` // with its final dot
	Step   string `json:"step"`
	Source string `json:"source"`
	Reason string `json:"reason"`
	Server string `json:"server,omitempty"` // that answered now, as in Answer
}

// Query resolves a name as a client on loopback would have it resolved, by the
// same decision. The type is a mnemonic such as AAAA, or TYPE65. The error is
// for a name or type that cannot be asked for; a name that does not resolve is
// an answer. It runs in its caller's goroutine, for up to four seconds.
func (i Inspector) Query(ctx context.Context, name, qtype string) (*Answer, error) {
	start := time.Now()
	r, err := wire.Ask(name, qtype)
	if err != nil {
		return nil, err
	}
	return i.lookup(r).answer(ctx, start), nil
}

// answer is the result as text, with its provenance; nil if there is none.
func (l *lookup) answer(ctx context.Context, start time.Time) *Answer {
	reply := l.Finish(ctx)
	if reply == nil {
		return nil
	}
	a := asAnswer(reply, l.Extended)
	a.Hops = l.hops()
	a.Provenance = l.provenance()
	a.credit(l.Verdict.Source, l.Verdict.Reason, l.Server, time.Since(start))
	if a.Server != "" {
		a.Protocol = l.Protocol.String()
	}
	return a
}

// credit sets the source of the answer, and how long it took.
func (a *Answer) credit(source decision.Source, reason string, server upstream.Server, took time.Duration) {
	a.Source, a.Reason, a.Duration = source.String(), reason, took
	if server != (upstream.Server{}) {
		a.Server = server.String()
	}
}

// asAnswer is a reply as text, with the extended errors that it has, or would
// have for a client with EDNS.
func asAnswer(reply *dns.Msg, extended []*dns.EDNS0_EDE) *Answer {
	a := &Answer{
		Rcode:         wire.RcodeName(reply.Rcode),
		Authoritative: reply.Authoritative,
		Records:       asRecords(reply.Answer),
		Authority:     asRecords(reply.Ns),
	}
	if len(reply.Question) > 0 {
		a.Name, a.Type = reply.Question[0].Name, dns.Type(reply.Question[0].Qtype).String()
	}
	for _, ede := range extended {
		server, text := upstream.Attribution(wire.ExtendedText(ede))
		a.Errors = append(a.Errors, ExtendedError{
			Code: ede.InfoCode, Meaning: dns.ExtendedErrorCodeToString[ede.InfoCode], Server: server, Text: text,
		})
	}
	return a
}

func asRecords(records []dns.RR) []Record {
	texts := make([]Record, 0, len(records))
	for _, rr := range records {
		h := rr.Header()
		texts = append(texts, Record{
			Name: h.Name, Type: dns.Type(h.Rrtype).String(), TTL: h.Ttl,
			Data: wire.RData(rr),
		})
	}
	return texts
}
