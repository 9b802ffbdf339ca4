package varlink

import (
	"context"
	_ "embed" // for the description
	"net/netip"

	"golang.org/x/sys/unix"
)

//go:embed io.systemd.Resolve.varlink
var resolveDescription string

// Resolver provides the answers. Its errors are an [Error] each, and its
// methods return within seconds. They may be called concurrently.
type Resolver interface {
	// ResolveHostname returns at least one address, all of the requested
	// families.
	ResolveHostname(ctx context.Context, q HostnameQuestion) (Addresses, error)
	// ResolveAddress returns at least one name.
	ResolveAddress(ctx context.Context, q AddressQuestion) (Names, error)
}

// HostnameQuestion asks for the addresses of a name. At least one family is
// requested.
type HostnameQuestion struct {
	Name   string // as given by a program: search list not applied, unchecked
	V4, V6 bool
	Flags  Flags
}

// Addresses are what a name resolves to.
type Addresses struct {
	All       []netip.Addr // a zone is an interface's name or index
	Canonical string       // the name that aliases lead to, or first on its line of the hosts file, without a final dot
	Flags     Flags
}

// AddressQuestion asks for the names of an address.
type AddressQuestion struct {
	Addr  netip.Addr
	Flags Flags
}

// Names are what an address resolves to.
type Names struct {
	All   []string // without final dots
	Flags Flags
}

// Resolve is the interface io.systemd.Resolve.
func Resolve(r Resolver) Interface {
	return Interface{
		Name:        "io.systemd.Resolve",
		Description: resolveDescription,
		Methods: map[string]Method{
			"ResolveHostname": func(ctx context.Context, call *Call) (any, error) {
				return resolveHostname(ctx, r, call)
			},
			"ResolveAddress": func(ctx context.Context, call *Call) (any, error) {
				return resolveAddress(ctx, r, call)
			},
		},
	}
}

// hostnameReply has no other fields than these: nss-resolve takes an unknown
// one for a broken service.
type hostnameReply struct {
	Addresses []addressEntry `json:"addresses"`
	Name      string         `json:"name"`
	Flags     Flags          `json:"flags"`
}

func resolveHostname(ctx context.Context, r Resolver, call *Call) (any, error) {
	var p struct {
		Ifindex int     `json:"ifindex"`
		Name    *string `json:"name"`
		Family  int     `json:"family"`
		Flags   Flags   `json:"flags"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	if p.Name == nil {
		return nil, ErrInvalidParameter("name")
	}
	q := HostnameQuestion{Name: *p.Name, Flags: p.Flags}
	switch p.Family {
	case unix.AF_UNSPEC:
		q.V4, q.V6 = true, true
	case unix.AF_INET:
		q.V4 = true
	case unix.AF_INET6:
		q.V6 = true
	default:
		return nil, ErrInvalidParameter("family")
	}
	if p.Ifindex < 0 {
		return nil, ErrInvalidParameter("ifindex")
	}
	if err := p.Flags.check(); err != nil {
		return nil, err
	}
	found, ok := literal(q.Name)
	if !ok {
		var err error
		if found, err = r.ResolveHostname(ctx, q); err != nil {
			return nil, err
		}
	}
	reply := hostnameReply{Name: found.Canonical, Flags: found.Flags}
	for _, addr := range found.All {
		// On an address of another family than it requested, or on none at all,
		// nss-resolve aborts the program that it was loaded into.
		if entry, ok := newEntry(addr, p.Ifindex); ok && (addr.Is4() && q.V4 || addr.Is6() && q.V6) {
			reply.Addresses = append(reply.Addresses, entry)
		}
	}
	if len(reply.Addresses) == 0 {
		return nil, ErrNoSuchResourceRecord
	}
	return reply, nil
}

// addressReply is as strict as hostnameReply.
type addressReply struct {
	Names []nameEntry `json:"names"`
	Flags Flags       `json:"flags"`
}

type nameEntry struct {
	Name string `json:"name"`
}

func resolveAddress(ctx context.Context, r Resolver, call *Call) (any, error) {
	var p struct {
		Ifindex int      `json:"ifindex"`
		Family  int      `json:"family"`
		Address []uint16 `json:"address"`
		Flags   Flags    `json:"flags"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	if p.Ifindex < 0 {
		return nil, ErrInvalidParameter("ifindex")
	}
	addr, err := parseAddress(p.Family, p.Address)
	if err != nil {
		return nil, err
	}
	if err := p.Flags.check(); err != nil {
		return nil, err
	}
	found, err := r.ResolveAddress(ctx, AddressQuestion{Addr: addr, Flags: p.Flags})
	if err != nil {
		return nil, err
	}
	reply := addressReply{Flags: found.Flags}
	for _, name := range found.All {
		reply.Names = append(reply.Names, nameEntry{name})
	}
	if len(reply.Names) == 0 {
		return nil, ErrNoSuchResourceRecord
	}
	return reply, nil
}
