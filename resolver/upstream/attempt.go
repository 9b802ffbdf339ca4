package upstream

import (
	"context"
	"errors"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// choices are how one exchange differs from the usual.
type choices struct {
	plain bool // no EDNS, since it may be why the server is silent
	mixed bool // the case of letters is random
}

// queryServer queries one server, once more without EDNS if it rejects that. It
// also returns the transport of the reply.
func (s *session) queryServer(ctx context.Context, p *peer, q *question, c choices) (*dns.Msg, Transport, error) {
	f := form{
		edns:   !c.plain && p.usesEDNS(),
		mark:   p.token,
		padded: p.server.Transport.encrypted(),
		mixed:  c.mixed && !p.server.Transport.encrypted(),
	}
	reply, by, err := s.queryOnce(ctx, p.server, q, f)
	if !f.edns {
		if err == nil && c.plain && !q.special() {
			p.answeredPlain()
		}
		return reply, by, err
	}
	if !rejectsEDNS(reply, err) {
		if err == nil {
			p.answeredEDNS()
		}
		return reply, by, err
	}
	f.edns = false
	plain, byPlain, plainErr := s.queryOnce(ctx, p.server, q, f)
	switch {
	case plainErr == nil && !rejectsEDNS(plain, nil):
		if !q.special() {
			p.rejectedEDNS()
		}
		return plain, byPlain, nil
	case err == nil:
		return reply, by, nil
	}
	return plain, byPlain, plainErr
}

// rejectsEDNS reports whether a reply is that of a server that does not support
// EDNS (RFC 6891, section 7), or supports it badly.
func rejectsEDNS(reply *dns.Msg, err error) bool {
	if err != nil {
		return errors.Is(err, errGarbled)
	}
	return reply.Rcode == dns.RcodeFormatError || reply.Rcode == dns.RcodeNotImplemented || reply.Rcode == dns.RcodeBadVers
}

// queryOnce sends the query in one form. If the reply does not fit UDP, or
// replies seem to be forged, it retries over TCP.
func (s *session) queryOnce(ctx context.Context, server Server, q *question, f form) (*dns.Msg, Transport, error) {
	sent := q.wire(f)
	if server.Transport == UDP {
		message, err := s.transport(server).RoundTrip(ctx, sent, q.check(sent, f.mixed))
		switch {
		case errors.Is(err, transport.ErrFlooded), errors.Is(err, errCase):
		case err != nil:
			return nil, UDP, err
		case !isTruncated(message):
			reply, err := q.parse(message, f.mixed)
			return reply, UDP, err
		}
		server.Transport = TCP
	}
	// An attacker off the path cannot forge what comes over a connection, so
	// the case need not match.
	message, err := s.transport(server).RoundTrip(ctx, sent, q.check(sent, false))
	if err != nil {
		return nil, server.Transport, err
	}
	if isTruncated(message) {
		return nil, server.Transport, errCut
	}
	reply, err := q.parse(message, f.mixed)
	return reply, server.Transport, err
}
