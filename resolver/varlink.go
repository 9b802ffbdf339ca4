package resolver

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/decision"
	"github.com/nodedns/nodedns/resolver/tap"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// ResolveHostname implements [varlink.Resolver]: it applies the machine's search
// list, and decides on each spelling as on a query. The first that exists counts.
func (s *Server) ResolveHostname(ctx context.Context, q varlink.HostnameQuestion) (varlink.Addresses, error) {
	if _, err := decision.ParseName(q.Name); err != nil {
		return varlink.Addresses{}, varlink.ErrInvalidParameter("name")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, errOverdue)
	defer cancel()
	spellings := []string{q.Name}
	if q.Flags&varlink.NoSearch == 0 {
		spellings = s.spellings(q.Name, s.current())
	}
	var failed error
	for _, name := range spellings {
		found, err := s.addresses(ctx, name, &q)
		switch {
		case err == nil:
			return found, nil
		// Where a server fails the C library looks on, and so do we; that none of
		// the other names is there then says nothing.
		case failed == nil || !retriable(failed):
			failed = err
		}
		// A name that exists is the one that was meant, if it has no such address
		// either.
		if ctx.Err() != nil || !errors.Is(err, varlink.ErrNameError) && !retriable(err) {
			break
		}
	}
	return varlink.Addresses{}, failed
}

// retriable says whether an error is one of the moment.
func retriable(err error) bool {
	return errors.Is(err, varlink.ErrNetworkDown) || errors.Is(err, varlink.ErrNoNameServers) ||
		errors.Is(err, varlink.ErrMaxAttemptsReached)
}

// addresses asks for the addresses at one name, of both families at a time.
func (s *Server) addresses(ctx context.Context, name string, q *varlink.HostnameQuestion) (varlink.Addresses, error) {
	var v4, v6 finding
	var asking sync.WaitGroup
	if q.V4 && q.V6 {
		asking.Go(func() { v6 = s.find(ctx, name, dns.TypeAAAA, q.Flags) })
	} else if q.V6 {
		v6 = s.find(ctx, name, dns.TypeAAAA, q.Flags)
	}
	if q.V4 {
		v4 = s.find(ctx, name, dns.TypeA, q.Flags)
	}
	asking.Wait()
	switch {
	case !q.V6:
		return v4.addresses(), v4.err
	case !q.V4:
		return v6.addresses(), v6.err
	case v4.err != nil && v6.err != nil:
		return varlink.Addresses{}, graver(v4.err, v6.err)
	case v4.err != nil:
		return v6.addresses(), nil
	case v6.err != nil:
		return v4.addresses(), nil
	}
	all := v4.addresses()
	all.All = append(all.All, v6.addresses().All...)
	const both = varlink.Authenticated | varlink.Confidential // what only holds if it holds for both
	all.Flags = (v4.flags|v6.flags)&^both | v4.flags&v6.flags&both
	return all, nil
}

// graver is the error that says more of a name of whose families each has one:
// that one may exist outweighs that the other does not, and so on.
func graver(v4, v6 error) error {
	if retriable(v6) || !retriable(v4) && errors.Is(v4, varlink.ErrNameError) {
		return v6
	}
	return v4
}

// ResolveAddress implements [varlink.Resolver].
func (s *Server) ResolveAddress(ctx context.Context, q varlink.AddressQuestion) (varlink.Names, error) {
	// The C library, too, looks for a mapped address where IPv4 has it.
	reverse, err := dns.ReverseAddr(q.Addr.Unmap().String())
	if err != nil {
		return varlink.Names{}, varlink.ErrInvalidParameter("address")
	}
	found := s.find(ctx, reverse, dns.TypePTR, q.Flags)
	if found.err != nil {
		return varlink.Names{}, found.err
	}
	names := varlink.Names{Flags: found.flags}
	for _, rr := range found.records {
		name := withoutDot(rr.(*dns.PTR).Ptr)
		if isHostname(name) && !slices.Contains(names.All, name) {
			names.All = append(names.All, name)
		}
	}
	if len(names.All) == 0 {
		return varlink.Names{}, varlink.ErrNoSuchResourceRecord
	}
	return names, nil
}

// finding is what was found at a name, of one type.
type finding struct {
	name    string // the last of its aliases
	records []dns.RR
	flags   varlink.Flags
	err     error // a *varlink.Error; nil: there is a record
}

func (f *finding) addresses() varlink.Addresses {
	all := varlink.Addresses{Canonical: withoutDot(f.name), Flags: f.flags}
	for _, rr := range f.records {
		if addr, ok := addressOf(rr); ok && !slices.Contains(all.All, addr) {
			all.All = append(all.All, addr)
		}
	}
	return all
}

// find asks for the records of a type, as a query would.
func (s *Server) find(ctx context.Context, name string, qtype uint16, flags varlink.Flags) finding {
	r, err := ask(name, dns.TypeToString[qtype])
	if err != nil {
		return finding{err: varlink.ErrInvalidParameter("name")}
	}
	r.origin = origin{transport: tap.Varlink}
	r.msg.AuthenticatedData = true
	r.msg.CheckingDisabled = flags&varlink.NoValidate != 0
	r.question.CD = r.msg.CheckingDisabled
	r.question.Alone = flags&(varlink.NoCache|varlink.NoStale) != 0
	if flags&varlink.NoNetwork != 0 && s.needsNetwork(&r.question) {
		return finding{err: varlink.ErrNoSource}
	}
	reply, verdict := s.resolve(ctx, r)
	f := finding{flags: originOf(r, reply, &verdict)}
	var loops bool
	f.name, f.records, loops = chain(reply)
	switch {
	case loops, flags&varlink.NoCNAME != 0 && f.name != reply.Question[0].Name:
		f.err = varlink.ErrCNAMELoop
	case len(f.records) == 0:
		f.err = failureOf(reply, &verdict)
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
func originOf(r *request, reply *dns.Msg, v *decision.Verdict) varlink.Flags {
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
	if t := r.server.Transport; t == upstream.TLS || t == upstream.HTTPS {
		flags |= varlink.Confidential
	}
	return flags
}

var _ varlink.Resolver = (*Server)(nil)
