package nssresolve

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/forward"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/varlink"
)

// Resolver finds names and addresses for nss-resolve, with a Server.
type Resolver struct{ server *resolver.Server }

// New returns a Resolver that decides as a Server does.
func New(server *resolver.Server) *Resolver { return &Resolver{server} }

// ResolveHostname implements [varlink.Resolver]: it applies the machine's search
// list, and decides on each spelling as on a query. The first that exists counts.
func (r *Resolver) ResolveHostname(ctx context.Context, q varlink.HostnameQuestion) (varlink.Addresses, error) {
	if _, err := decision.ParseName(q.Name); err != nil {
		return varlink.Addresses{}, varlink.ErrInvalidParameter("name")
	}
	spellings := []string{q.Name}
	if q.Flags&varlink.NoSearch == 0 {
		search, ndots := r.searchList()
		spellings = r.spellings(q.Name, search, ndots)
	}
	return r.search(ctx, &q, spellings, func(finding) {})
}

// search looks for the addresses of a name at each of its spellings, and
// reports each finding to a callback.
func (r *Resolver) search(ctx context.Context, q *varlink.HostnameQuestion, spellings []string, show func(finding)) (varlink.Addresses, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, forward.MaxWait, forward.ErrOverdue)
	defer cancel()
	// If a name is complete by its dots, its own error counts, whatever the
	// outcome for its other spellings.
	complete := spellings[0] == q.Name
	var failed error
	for _, name := range spellings {
		found, err := r.addresses(ctx, name, q, show)
		switch {
		case err == nil:
			return found, nil
		// Where a server fails the C library continues, and so do we; that none of
		// the other names exists then means nothing.
		case failed == nil || !complete && !retriable(failed):
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

// retriable reports whether an error is temporary.
func retriable(err error) bool {
	return errors.Is(err, varlink.ErrNetworkDown) || errors.Is(err, varlink.ErrNoNameServers) ||
		errors.Is(err, varlink.ErrMaxAttemptsReached)
}

// addresses asks for the addresses at one name, and reports each finding to a
// callback.
func (r *Resolver) addresses(ctx context.Context, name string, q *varlink.HostnameQuestion, show func(finding)) (varlink.Addresses, error) {
	switch {
	case !q.V6:
		v4 := r.find(ctx, name, dns.TypeA, q.Flags)
		show(v4)
		return v4.addresses(), v4.err
	case !q.V4:
		v6 := r.find(ctx, name, dns.TypeAAAA, q.Flags)
		show(v6)
		return v6.addresses(), v6.err
	}
	v4, v6 := r.findBoth(ctx, name, q.Flags)
	show(v4)
	show(v6)
	switch {
	case v4.err != nil && v6.err != nil:
		return varlink.Addresses{}, graver(v4.err, v6.err)
	case v4.err != nil:
		return v6.addresses(), nil
	case v6.err != nil:
		return v4.addresses(), nil
	}
	all := v4.addresses()
	all.All = append(all.All, v6.addresses().All...)
	const both = varlink.Authenticated | varlink.Confidential // set only if both families have it
	all.Flags = (v4.flags|v6.flags)&^both | v4.flags&v6.flags&both
	return all, nil
}

// findBoth asks for both families, concurrently if upstreams are asked.
func (r *Resolver) findBoth(ctx context.Context, name string, flags varlink.Flags) (v4, v6 finding) {
	if !r.needsNetwork(name, dns.TypeAAAA) {
		return r.find(ctx, name, dns.TypeA, flags), r.find(ctx, name, dns.TypeAAAA, flags)
	}
	var asking sync.WaitGroup
	asking.Go(func() { v6 = r.find(ctx, name, dns.TypeAAAA, flags) })
	v4 = r.find(ctx, name, dns.TypeA, flags)
	asking.Wait()
	return v4, v6
}

// graver is the more significant of the errors of a name's two families: that
// one may exist outweighs that the other does not, and so on.
func graver(v4, v6 error) error {
	if retriable(v6) || !retriable(v4) && errors.Is(v4, varlink.ErrNameError) {
		return v6
	}
	return v4
}

// ResolveAddress implements [varlink.Resolver].
func (r *Resolver) ResolveAddress(ctx context.Context, q varlink.AddressQuestion) (varlink.Names, error) {
	// The C library, too, looks for a mapped address where IPv4 has it.
	reverse, err := dns.ReverseAddr(q.Addr.Unmap().String())
	if err != nil {
		return varlink.Names{}, varlink.ErrInvalidParameter("address")
	}
	found := r.find(ctx, reverse, dns.TypePTR, q.Flags)
	if found.err != nil {
		return varlink.Names{}, found.err
	}
	names := varlink.Names{Flags: found.flags}
	for _, rr := range found.records {
		ptr, ok := rr.(*dns.PTR)
		if !ok {
			continue
		}
		name := wire.WithoutDot(ptr.Ptr)
		if isHostname(name) && !slices.Contains(names.All, name) {
			names.All = append(names.All, name)
		}
	}
	if len(names.All) == 0 {
		return varlink.Names{}, varlink.ErrNoSuchResourceRecord
	}
	return names, nil
}

var _ varlink.Resolver = (*Resolver)(nil)
