package nssresolve

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver"
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
	lookup *resolver.Lookup
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
func (r *Resolver) find(ctx context.Context, name string, qtype uint16, flags varlink.Flags) finding {
	request, err := wire.Ask(name, dns.TypeToString[qtype])
	if err != nil {
		return finding{err: varlink.ErrInvalidParameter("name")}
	}
	request.Origin = wire.Origin{Transport: querylog.Varlink}
	request.Msg.AuthenticatedData = true
	request.Msg.CheckingDisabled = flags&varlink.NoValidate != 0
	request.Question.CD = request.Msg.CheckingDisabled
	request.Question.Alone = flags&(varlink.NoCache|varlink.NoStale) != 0
	request.Offline = flags&varlink.NoNetwork != 0
	l := r.server.Lookup(request)
	reply := l.Finish(ctx)
	if reply == nil {
		return finding{err: varlink.ErrNoSource, lookup: l}
	}
	verdict := &l.Verdict
	f := finding{flags: originOf(request, reply, verdict), lookup: l, reply: reply}
	f.name, f.records = chain(reply)
	switch {
	case verdict.Endless, flags&varlink.NoCNAME != 0 && f.name != reply.Question[0].Name:
		f.err = varlink.ErrCNAMELoop
	case len(f.records) == 0:
		f.err = because(failureOf(reply, verdict), request.Extended)
	}
	if domain := r.server.LocalDomain(); l.Decided.Step == decision.StepClusterNames && domain != "" {
		f.name = dns.Fqdn(wire.WithoutDot(f.name) + "." + domain)
	}
	if verdict.Kind == decision.HostAddresses {
		// Not an alias of the DNS, but what "hostname -f" looks for.
		f.name = dns.CanonicalName(f.name)
		if canonical, ok := verdict.HostAddrs.Canonical(qtype == dns.TypeA); ok {
			f.name = decision.Name(canonical).String()
		}
	}
	return f
}

// needsNetwork reports whether it may be that only upstreams can answer.
func (r *Resolver) needsNetwork(name string, qtype uint16) bool {
	verdict, ok := r.decide(name, qtype)
	return ok && (verdict.Kind == decision.Forward || verdict.Hit.Open)
}

// decide is the verdict on a question; not ok if it cannot be asked.
func (r *Resolver) decide(name string, qtype uint16) (*decision.Verdict, bool) {
	request, err := wire.Ask(name, dns.TypeToString[qtype])
	if err != nil {
		return nil, false
	}
	return &r.server.Lookup(request).Decided, true
}

// failureOf is why a reply has no records. A temporary failure must not look as
// if the name did not exist.
func failureOf(reply *dns.Msg, v *decision.Verdict) *varlink.Error {
	switch {
	case v.Error.Code == dns.ExtendedErrorCodeNotReady, reply.Rcode == dns.RcodeServerFailure:
		return varlink.ErrNetworkDown
	case reply.Rcode == dns.RcodeSuccess:
		return varlink.ErrNoSuchResourceRecord
	case reply.Rcode == dns.RcodeNameError:
		return varlink.ErrNameError
	case v.Kind == decision.Bare: // REFUSED by nodedns itself
		return varlink.ErrNoNameServers
	}
	return varlink.ErrMaxAttemptsReached
}

// because adds the last extended error, of which there is room for one: those
// before it are about what came of it here.
func because(err *varlink.Error, extended []*dns.EDNS0_EDE) *varlink.Error {
	if len(extended) == 0 {
		return err
	}
	last := extended[len(extended)-1]
	return err.Because(last.InfoCode, wire.ExtendedText(last))
}

// originOf is where an answer comes from. Local data came over authenticated
// connections, or is the user's own.
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
	if confidential(r.Server) && !slices.ContainsFunc(r.Hops, func(hop wire.Hop) bool {
		forwarded := hop.Verdict.Source == decision.SourceUpstream || hop.Verdict.Source == decision.SourceCache
		return forwarded && !confidential(hop.Server)
	}) {
		flags |= varlink.Confidential
	}
	return flags
}

// confidential reports whether an answer came from a server over an encrypted
// connection.
func confidential(server upstream.Server) bool {
	return server.Transport == upstream.TLS || server.Transport == upstream.HTTPS
}
