package upstream

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Forwarder asks servers. Its fields must not be changed while it is in use;
// it may be used concurrently.
type Forwarder struct {
	// Own returns the addresses that we listen on, which are never asked.
	// Nil means none.
	Own func() []netip.AddrPort
	// total replaces Total in tests, unless it is zero.
	total time.Duration
}

// Forward asks the servers in turn, each for at most a timeout, and returns
// the first usable reply. The query must have one question. Of the query only
// the question, the RD, CD and AD bits and the DO bit are passed on, the latter
// if it has EDNS at all; its options are between the client and us.
//
// The reply's ID and the case of its question are those of the query. Its
// other content is the server's. The error is ErrNoServers or a *Failure.
func (f *Forwarder) Forward(ctx context.Context, servers []netip.AddrPort, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	if len(servers) == 0 {
		return nil, ErrNoServers
	}
	total := f.total
	if total == 0 {
		total = Total
	}
	ctx, cancel := context.WithTimeout(ctx, total)
	defer cancel()
	reply, err := f.ask(ctx, servers, outgoing(query), timeout)
	if err != nil {
		return nil, err
	}
	reply.Id = query.Id
	reply.Question = slices.Clone(query.Question)
	return reply, nil
}

// ask goes through the servers and, while there is time, once more through
// those that did not answer: a packet may have been lost.
func (f *Forwarder) ask(ctx context.Context, servers []netip.AddrPort, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	failure := new(Failure)
	for range 2 {
		var silent []netip.AddrPort
		for i, server := range servers {
			reply, err := f.exchange(ctx, server, query, share(ctx, len(servers)-i, timeout))
			if err == nil {
				return reply, nil
			}
			failure.attempts = append(failure.attempts, blame{server, err})
			if errors.Is(err, errTimedOut) {
				silent = append(silent, server)
			}
			if ctx.Err() != nil {
				return nil, failure
			}
		}
		servers = silent
	}
	return nil, failure
}

// share is how long an exchange may take when that many servers are left:
// the first ones must not use up the time of the last.
func share(ctx context.Context, left int, timeout time.Duration) time.Duration {
	deadline, _ := ctx.Deadline()
	return min(timeout, time.Until(deadline)/time.Duration(left))
}

// exchange asks one server, by TCP as well when UDP was too small.
func (f *Forwarder) exchange(ctx context.Context, server netip.AddrPort, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, err := f.exchangeUDP(ctx, server, query)
	if err == nil && reply.Truncated {
		reply, err = f.exchangeTCP(ctx, server, query)
		if err == nil && reply.Truncated {
			err = errCut
		}
	}
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, errTimedOut
	case err != nil:
		return nil, err
	case rejected(reply.Rcode):
		return nil, rejection{reply}
	}
	return reply, nil
}

// outgoing is the query as it is sent, but for its ID. EDNS is used only if
// the client did: a server that chokes on it then fails nobody else.
func outgoing(query *dns.Msg) *dns.Msg {
	out := new(dns.Msg)
	out.RecursionDesired = query.RecursionDesired
	out.CheckingDisabled = query.CheckingDisabled
	out.AuthenticatedData = query.AuthenticatedData
	out.Question = slices.Clone(query.Question)
	if opt := query.IsEdns0(); opt != nil {
		out.SetEdns0(payload, opt.Do())
	}
	return out
}
