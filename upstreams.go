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

// reserveGateways takes the gateways that the local source reports.
func (s *Service) reserveGateways(addrs []netip.Addr) {
	s.store.SetReserved(reservedGateways, addrs)
}

// reserveUpstreams takes the servers that are queried now, those of routes too.
func (s *Service) reserveUpstreams() {
	s.store.SetReserved(reservedUpstreams, s.upstreamAddrs())
}

// upstreamAddrs are those of the servers that are queried now.
func (s *Service) upstreamAddrs() (addrs []netip.Addr) {
	for _, u := range s.dns.UpstreamStatus() {
		addrs = append(addrs, u.Addr.Addr())
	}
	return addrs
}

// followUpstreams keeps the reserved addresses equal to the servers' until ctx
// ends.
func (s *Service) followUpstreams(ctx context.Context) error {
	for {
		s.reserveUpstreams()
		s.routes.Hint()
		select {
		case <-ctx.Done():
			return nil
		case <-s.upstreamHints:
		}
	}
}

// upstreamsChanged is called when the listeners or the upstreams may have
// changed.
func (s *Service) upstreamsChanged() {
	if s.resolv != nil {
		s.resolv.Hint()
	}
	s.selfHints.Send()
	s.upstreamHints.Send()
}
