package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/upstream"
)

const (
	// HeaderLen is the length of a header, in octets.
	HeaderLen = 12

	// The limits of a reply, in octets: over UDP without EDNS (RFC 1035,
	// section 4.2.1) and with (what fits an IPv6 packet of the minimum MTU),
	// and over TCP.
	plainLimit = 512
	UDPLimit   = 1232
	TCPLimit   = 1<<16 - 1
)

// Request is a well-formed query.
type Request struct {
	Origin
	Msg      dns.Msg
	Question decision.Question
	OPT      *dns.OPT // nil: no EDNS
	cookie   []byte   // the COOKIE option, nil without
	// keepalive is set if the client asks how long its connection may be idle
	// (RFC 7828).
	keepalive bool
	Limit     int // octets of the reply
	// Offline: no upstream is asked for it, not even to prefetch.
	Offline bool
	// Server is the upstream whose answer the reply is made of, once there is
	// one. It is the zero value if none was needed.
	Server upstream.Server
	// Protocol is how that answer came.
	Protocol upstream.Transport
	// Passed are the names that aliases led through before this question, in lower
	// case, and Depth is how many questions were before it.
	Passed []string
	Depth  int
	// Hops are the questions that its aliases led to, in their order.
	Hops []Hop
	// Extended are the extended errors of the reply, whether the client gets
	// them or not.
	Extended []*dns.EDNS0_EDE
}

// Hop is a question that an alias led to, and the final verdict on it.
type Hop struct {
	*Request
	Verdict decision.Verdict
}

// Behind is the request for what an alias leads to, as if the client had asked for
// it. The names are those of the aliases.
func (r *Request) Behind(target string, passed []string) (*Request, error) {
	name, err := decision.ParseName(target)
	if err != nil {
		return nil, err
	}
	rest := *r
	rest.Msg.Question = []dns.Question{{Name: target, Qtype: r.Question.Type, Qclass: dns.ClassINET}}
	rest.Question.Name, rest.Question.Aliased = name, true
	rest.Passed, rest.Depth = slices.Concat(r.Passed, passed), r.Depth+1
	rest.Server, rest.Protocol, rest.Hops, rest.Extended = upstream.Server{}, 0, nil, nil
	return &rest, nil
}

// The reasons why a message is not a request.
var (
	ErrNoQuery = errors.New("not a query")         // no reply: it might be answered in turn
	ErrForm    = errors.New("malformed")           // FORMERR
	ErrOpcode  = errors.New("opcode is not QUERY") // NOTIMP
)

// Parse makes a message into a request. It checks its form only.
func Parse(message []byte, from Origin) (*Request, error) {
	if len(message) < HeaderLen || message[2]&0x80 != 0 {
		return nil, ErrNoQuery
	}
	// Before anything else is looked at: with another opcode the sections
	// mean something else.
	if opcode := message[2] >> 3 & 0xf; opcode != dns.OpcodeQuery {
		return nil, ErrOpcode
	}
	r := &Request{Origin: from}
	if err := r.Msg.Unpack(message); err != nil || !sameCounts(&r.Msg, message) || len(r.Msg.Question) != 1 {
		return nil, ErrForm
	}
	if err := r.readOPT(); err != nil {
		return nil, err
	}
	r.readOptions(from.Transport == querylog.TCP)
	if r.cookie != nil && !cookie.WellFormed(r.cookie) {
		return nil, ErrForm
	}
	asked := r.Msg.Question[0]
	name, err := decision.ParseName(asked.Name)
	if err != nil {
		return nil, ErrForm
	}
	options, err := upstream.EncodeOptions(upstream.PassedOn(&r.Msg))
	if err != nil {
		return nil, ErrForm
	}
	r.Question = decision.Question{
		Name: name, Type: asked.Qtype,
		DO: r.OPT != nil && r.OPT.Do(), CD: r.Msg.CheckingDisabled,
		Options: options,
	}
	r.Limit = r.replyLimit(from.Transport == querylog.TCP)
	return r, nil
}

// sameCounts reports whether all the records are there that the header counts;
// the parser accepts fewer. What comes after them is ignored.
func sameCounts(m *dns.Msg, message []byte) bool {
	for i, n := range [...]int{len(m.Question), len(m.Answer), len(m.Ns), len(m.Extra)} {
		if int(binary.BigEndian.Uint16(message[4+2*i:])) != n {
			return false
		}
	}
	return true
}

// readOPT finds the OPT record, of which there may be one, at the root and in
// the additional section (RFC 6891, section 6.1.1).
func (r *Request) readOPT() error {
	for section, records := range [...][]dns.RR{r.Msg.Answer, r.Msg.Ns, r.Msg.Extra} {
		const additional = 2
		for _, rr := range records {
			opt, ok := rr.(*dns.OPT)
			if !ok {
				continue
			}
			if section != additional || r.OPT != nil || opt.Hdr.Name != "." {
				return ErrForm
			}
			r.OPT = opt
		}
	}
	return nil
}

// readOptions records the options that concern us. Of several cookies
// the first counts (RFC 7873, section 5.2).
func (r *Request) readOptions(tcp bool) {
	if r.OPT == nil {
		return
	}
	for _, option := range r.OPT.Option {
		switch option := option.(type) {
		case *dns.EDNS0_COOKIE:
			if r.cookie == nil {
				r.cookie, _ = hex.DecodeString(option.Cookie)
			}
		case *dns.EDNS0_TCP_KEEPALIVE:
			r.keepalive = tcp // over UDP it is to be ignored
		}
	}
}

func (r *Request) replyLimit(tcp bool) int {
	if r.OPT == nil {
		return ReplyLimit(tcp, false, 0)
	}
	return ReplyLimit(tcp, true, r.OPT.UDPSize())
}

// ReplyLimit is how long a reply may be, in octets. The size is the one in the
// OPT record.
func ReplyLimit(tcp, edns bool, size uint16) int {
	switch {
	case tcp:
		return TCPLimit
	case !edns:
		return plainLimit
	}
	return min(max(int(size), plainLimit), UDPLimit)
}

// Check refuses requests that are well-formed and yet not served. Nothing is
// decided by the name.
func (r *Request) Check(allowed bool) (decision.Verdict, bool) {
	refuse := func(rcode int, reason string, extended decision.ExtendedError) (decision.Verdict, bool) {
		return decision.Refuse(rcode, decision.SourceRequest, reason, extended), false
	}
	asked := r.Msg.Question[0]
	switch {
	case r.OPT != nil && r.OPT.Version() != 0:
		return refuse(dns.RcodeBadVers, "unknown version of EDNS", decision.ExtendedError{})
	case !allowed:
		return refuse(dns.RcodeRefused, "the client is not in dns.allow",
			decision.ExtendedError{Code: dns.ExtendedErrorCodeProhibited, Text: "this client is not served"})
	case asked.Qclass != dns.ClassINET:
		return refuse(dns.RcodeRefused, "a class other than IN", decision.ExtendedError{})
	case asked.Qtype == dns.TypeAXFR, asked.Qtype == dns.TypeIXFR:
		return refuse(dns.RcodeRefused, "zone transfers are not served", decision.ExtendedError{})
	}
	return decision.Verdict{}, true
}
