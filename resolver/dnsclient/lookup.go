package dnsclient

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Lookup asks a server for the addresses of a name, IPv4 first, in one query
// over UDP for each family, as with a [Client]. NODATA is an empty list;
// anything but NOERROR is an error.
func Lookup(ctx context.Context, server netip.AddrPort, name string) ([]netip.Addr, error) {
	c := New("udp", server)
	defer c.Close() // there are no more questions
	var addrs []netip.Addr
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		reply, err := c.ask(ctx, name, qtype)
		if err != nil {
			return nil, err
		}
		if reply.Rcode != dns.RcodeSuccess {
			return nil, fmt.Errorf("%s record: %s", dns.TypeToString[qtype], wire.RcodeName(reply.Rcode))
		}
		for _, rr := range reply.Answer {
			if addr, ok := wire.Address(rr); ok {
				addrs = append(addrs, addr)
			}
		}
	}
	return addrs, nil
}

// OwnListeners are those of a Server's listeners that programs on its machine
// use, at the addresses where they reach them: on loopback. Others are for
// containers, and need not answer the machine itself. Where none is on
// loopback, all are returned.
func OwnListeners(all []netip.AddrPort) (own []netip.AddrPort) {
	for _, listener := range all {
		// A wildcard address is reached on loopback.
		if at := upstream.Normalize(listener); at.Addr().IsLoopback() {
			own = append(own, at)
		}
	}
	if own == nil {
		return all
	}
	return own
}
