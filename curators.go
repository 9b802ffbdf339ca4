package nodedns

import (
	"context"
	"iter"
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
)

// maxCurators bounds how many of the nodes that run a curator are passed on. A
// control plane has three or five.
const maxCurators = 16

// addressesOf finds a curator that is known by its node ID in our own zone: no
// other name service need work for the cluster to be reached.
func (s *Service) addressesOf(id zone.ID) []netip.Addr {
	n, _ := s.store.Snapshot().Lookup(string(id))
	return slices.Collect(n.Addrs())
}

// curators yields the nodes that run a curator, at once and at each change.
// What was saved at an earlier run is enough to begin with.
func (s *Service) curators(ctx context.Context) iter.Seq[[]curator.Host] {
	return func(yield func([]curator.Host) bool) {
		var last []curator.Host
		for snapshot := range s.store.Watch(ctx) {
			var hosts []curator.Host
			for n := range snapshot.Curators(0) {
				if len(hosts) == maxCurators {
					break
				}
				hosts = append(hosts, curator.Host{ID: n.ID(), Port: n.CuratorPort()})
			}
			if slices.Equal(hosts, last) {
				continue
			}
			if last = hosts; !yield(hosts) {
				return
			}
		}
	}
}

// tellAddress has our first address reported to the cluster, if that is wanted.
func (s *Service) tellAddress() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first netip.Addr
	for addr := range s.store.Snapshot().Local().Addrs() {
		if s.report {
			first = addr
		}
		break
	}
	s.cluster.SetReport(first)
}
