package nodedns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Alive proves that queries are answered, by asking each listener on loopback
// as the programs of this machine do. It is for a watchdog: an error means that
// the daemon answers nobody any more, though it should, and may be worth a
// restart. An answer with an error in it is an answer.
//
// Other listeners are not asked: their address may be gone, and the query would
// leave the machine. Where no listener can be reached for the network's sake,
// the resolver is asked without one: a restart would bring no network.
//
// The deadline is ctx's. Alive may be called at any time after the service has
// become ready, also concurrently.
func (s *Service) Alive(ctx context.Context) error {
	reached := false
	for _, listener := range s.dns.Addrs() {
		at := upstream.Normalize(listener)
		if !at.Addr().IsLoopback() {
			continue
		}
		switch err := s.answers(ctx, at); {
		case err == nil:
			reached = true
		case !offNetwork(err):
			return fmt.Errorf("query %s for %s: %w", listener, selfProbe, err)
		}
	}
	if reached {
		return nil
	}
	if _, err := s.dns.Query(ctx, selfProbe, "A"); err != nil {
		return fmt.Errorf("query the resolver itself for %s: %w", selfProbe, err)
	}
	return ctx.Err()
}

// answers returns nil if there was an answer, whatever it said.
func (s *Service) answers(ctx context.Context, server netip.AddrPort) error {
	_, err := resolver.Lookup(ctx, server, selfProbe)
	if transport := net.Error(nil); errors.As(err, &transport) {
		return err
	}
	return nil
}

// offNetwork tells a query that could not be sent from one that nobody
// answered: loopback may be down, or a firewall forbid it.
func offNetwork(err error) bool {
	for _, cause := range []syscall.Errno{
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL, syscall.EPERM,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}
