package nodedns

import (
	"context"
	"net/netip"
)

// The parts that keep addresses free of reverse records from the cluster, as
// [zone.Store.SetReserved] has them.
const (
	reservedGateways  = "gateways"
	reservedUpstreams = "upstreams"
)

// reserveGateways takes the gateways that the local source tells of.
func (s *Service) reserveGateways(addrs []netip.Addr) {
	s.store.SetReserved(reservedGateways, addrs)
}

// reserveUpstreams takes the servers that are asked now, those of routes too.
func (s *Service) reserveUpstreams() {
	var addrs []netip.Addr
	for _, u := range s.dns.UpstreamStatus() {
		addrs = append(addrs, u.Server.Addr.Addr().Unmap())
	}
	s.store.SetReserved(reservedUpstreams, addrs)
}

// followUpstreams keeps the reserved addresses equal to the servers' until ctx
// ends.
func (s *Service) followUpstreams(ctx context.Context) error {
	for {
		s.reserveUpstreams()
		select {
		case <-ctx.Done():
			return nil
		case <-s.upstreamHints:
		}
	}
}
