package resolver

import (
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/tap"
	"github.com/nodedns/nodedns/resolver/upstream"
)

const (
	headerLen = 12

	// The limits of a reply, in octets: over UDP without EDNS (RFC 1035,
	// section 4.2.1) and with (what fits an IPv6 packet of the minimum MTU),
	// and over TCP.
	plainLimit = 512
	udpLimit   = 1232
	tcpLimit   = 1<<16 - 1
)

// request is a well-formed query.
type request struct {
	origin
	msg      dns.Msg
	question decision.Question
	opt      *dns.OPT // nil: no EDNS
	cookie   []byte   // the COOKIE option, nil without
	// keepalive says that the client asks how long its connection may be idle
	// (RFC 7828).
	keepalive bool
	limit     int // octets of the reply
	// server is the upstream whose answer the reply is made of, once there is
	// one. It is the zero one for all that did not need any.
	server upstream.Server
	// protocol is how that answer came.
	protocol upstream.Transport
	// extended are the extended errors of the reply, whether the client gets
	// them or not.
	extended []*dns.EDNS0_EDE
}

// Why a message is no request.
var (
	errNoQuery = errors.New("not a query")         // silence: a reply might be answered in turn
	errForm    = errors.New("malformed")           // FORMERR
	errOpcode  = errors.New("opcode is not QUERY") // NOTIMP
)

// parse makes a message into a request. It checks its form only.
func parse(message []byte, from origin) (*request, error) {
	if len(message) < headerLen || message[2]&0x80 != 0 {
		return nil, errNoQuery
	}
	// Before anything else is looked at: with another opcode the sections
	// mean something else.
	if opcode := message[2] >> 3 & 0xf; opcode != dns.OpcodeQuery {
		return nil, errOpcode
	}
	r := &request{origin: from}
	if err := r.msg.Unpack(message); err != nil || !sameCounts(&r.msg, message) || len(r.msg.Question) != 1 {
		return nil, errForm
	}
	if err := r.readOPT(); err != nil {
		return nil, err
	}
	r.readOptions(from.transport == tap.TCP)
	if r.cookie != nil && !cookie.WellFormed(r.cookie) {
		return nil, errForm
	}
	asked := r.msg.Question[0]
	name, err := decision.ParseName(asked.Name)
	if err != nil {
		return nil, errForm
	}
	r.question = decision.Question{
		Name: name, Type: asked.Qtype,
		DO: r.opt != nil && r.opt.Do(), CD: r.msg.CheckingDisabled,
		Alone: len(upstream.PassedOn(&r.msg)) > 0,
	}
	r.limit = r.replyLimit(from.transport == tap.TCP)
	return r, nil
}

// sameCounts says whether all the records are there that the header counts;
// the parser is content with fewer. What comes after them is not looked at.
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
func (r *request) readOPT() error {
	for section, records := range [...][]dns.RR{r.msg.Answer, r.msg.Ns, r.msg.Extra} {
		const additional = 2
		for _, rr := range records {
			opt, ok := rr.(*dns.OPT)
			if !ok {
				continue
			}
			if section != additional || r.opt != nil || opt.Hdr.Name != "." {
				return errForm
			}
			r.opt = opt
		}
	}
	return nil
}

// readOptions takes note of the options that concern us. Of several cookies
// the first counts (RFC 7873, section 5.2).
func (r *request) readOptions(tcp bool) {
	if r.opt == nil {
		return
	}
	for _, option := range r.opt.Option {
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

func (r *request) replyLimit(tcp bool) int {
	if r.opt == nil {
		return replyLimit(tcp, false, 0)
	}
	return replyLimit(tcp, true, r.opt.UDPSize())
}

// replyLimit is how long a reply may be, in octets. The size is the one in the
// OPT record.
func replyLimit(tcp, edns bool, size uint16) int {
	switch {
	case tcp:
		return tcpLimit
	case !edns:
		return plainLimit
	}
	return min(max(int(size), plainLimit), udpLimit)
}

// check turns down what is well-formed and yet not served. Nothing is decided
// by the name.
func (r *request) check(allowed bool) (decision.Verdict, bool) {
	refuse := func(rcode int, reason string, extended decision.ExtendedError) (decision.Verdict, bool) {
		return decision.Refuse(rcode, decision.SourceRequest, reason, extended), false
	}
	asked := r.msg.Question[0]
	switch {
	case r.opt != nil && r.opt.Version() != 0:
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
