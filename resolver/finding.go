package resolver

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// finding is what was found at a name, of one type.
type finding struct {
	name    string // the last of its aliases, or the first on its line of the hosts file
	records []dns.RR
	flags   varlink.Flags
	err     error // a *varlink.Error; nil: there is a record
	// lookup is the question, and what decided on it. reply is the answer; nil
	// where no upstream was to be asked.
	lookup *lookup
	reply  *dns.Msg
}

func (f *finding) addresses() varlink.Addresses {
	all := varlink.Addresses{Canonical: wire.WithoutDot(f.name), Flags: f.flags}
	for _, rr := range f.records {
		if addr, ok := wire.Address(rr); ok && !slices.Contains(all.All, addr) {
			all.All = append(all.All, addr)
		}
	}
	return all
}

// find asks for the records of a type, as a query would.
func (s *Server) find(ctx context.Context, name string, qtype uint16, flags varlink.Flags) finding {
	r, err := wire.Ask(name, dns.TypeToString[qtype])
	if err != nil {
		return finding{err: varlink.ErrInvalidParameter("name")}
	}
	r.Origin = wire.Origin{Transport: querylog.Varlink}
	r.Msg.AuthenticatedData = true
	r.Msg.CheckingDisabled = flags&varlink.NoValidate != 0
	r.Question.CD = r.Msg.CheckingDisabled
	r.Question.Alone = flags&(varlink.NoCache|varlink.NoStale) != 0
	i := s.begin(r)
	if flags&varlink.NoNetwork != 0 {
		if i.decided.Kind == decision.Forward {
			return finding{err: varlink.ErrNoSource, lookup: i}
		}
		i.verdict.Hit.Decline()
		i.verdict.Hit.Prefetch = false
	}
	reply := s.finish(ctx, i)
	verdict := &i.verdict
	f := finding{flags: originOf(r, reply, verdict), lookup: i, reply: reply}
	var loops bool
	f.name, f.records, loops = chain(reply)
	switch {
	case loops, flags&varlink.NoCNAME != 0 && f.name != reply.Question[0].Name:
		f.err = varlink.ErrCNAMELoop
	case len(f.records) == 0:
		f.err = failureOf(reply, verdict)
	}
	if verdict.Kind == decision.HostAddresses {
		// No alias of the DNS, and yet what "hostname -f" is after.
		if canonical, ok := verdict.HostAddrs.Canonical(qtype == dns.TypeA); ok {
			f.name = decision.Name(canonical).String()
		}
	}
	return f
}

// needsNetwork says whether only upstreams can answer.
func (s *Server) needsNetwork(q *decision.Question) bool {
	var v decision.Verdict
	s.decide(&v, q, s.current(), s.clock())
	return v.Kind == decision.Forward
}

// failureOf is why a reply has no records. That nobody can know now must not
// look as if there was no such name.
func failureOf(reply *dns.Msg, v *decision.Verdict) error {
	switch {
	case v.Error.Code == dns.ExtendedErrorCodeNotReady, reply.Rcode == dns.RcodeServerFailure:
		return varlink.ErrNetworkDown
	case reply.Rcode == dns.RcodeSuccess:
		return varlink.ErrNoSuchResourceRecord
	case reply.Rcode == dns.RcodeNameError:
		return varlink.ErrNameError
	case v.Kind == decision.Bare: // REFUSED, by ourselves
		return varlink.ErrNoNameServers
	}
	return varlink.ErrMaxAttemptsReached
}

// originOf says where an answer comes from. What we know ourselves is told over
// authenticated connections, or is the user's own.
func originOf(r *wire.Request, reply *dns.Msg, v *decision.Verdict) varlink.Flags {
	const ours = varlink.ProtocolDNS | varlink.Authenticated | varlink.Confidential
	flags := varlink.ProtocolDNS
	switch v.Source {
	case decision.SourceZone:
		return ours | varlink.FromZone
	case decision.SourceHosts, decision.SourceSpecial:
		return ours | varlink.Synthetic
	case decision.SourceCache:
		flags |= varlink.FromCache
	default:
		flags |= varlink.FromNetwork
	}
	if reply.AuthenticatedData {
		flags |= varlink.Authenticated
	}
	if t := r.Server.Transport; t == upstream.TLS || t == upstream.HTTPS {
		flags |= varlink.Confidential
	}
	return flags
}
