package nodedns

import (
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// authorityName is the file in the state directory that keeps which nodes may
// speak for the cluster.
const authorityName = "curators.json"

func (c *Config) authorityFile() string {
	if c.StateDir == "" {
		return ""
	}
	return filepath.Join(c.StateDir, authorityName)
}

// TrustCurator lets a node speak for the cluster, by an operator's decision, and
// has the curators contacted again. It is remembered until [Service.ResetCurators].
// The error says what is wrong with the ID. It may be called at any time from any
// goroutine.
func (s *Service) TrustCurator(node string) error { return s.cluster.Trust(node) }

// ResetCurators forgets which nodes may speak for the cluster, but for the
// pinned endpoints, so that the next contact is as the first one. The nodes of
// the zone stay. It may be called at any time from any goroutine.
func (s *Service) ResetCurators() { s.cluster.ResetAuthority() }

// addressesOf finds a curator that is known by its node ID in our own zone: no
// other name service need work for the cluster to be reached.
func (s *Service) addressesOf(id zone.ID) []netip.Addr {
	n, _ := s.store.Snapshot().Lookup(string(id))
	return slices.Collect(n.Addrs())
}

// curatorPort is the port that a node reports for its curator, or 0.
func (s *Service) curatorPort(id zone.ID) uint16 {
	n, _ := s.store.Snapshot().Lookup(string(id))
	return n.CuratorPort()
}

// reportAddress has our first address reported to the cluster, if that is wanted.
// The caller holds s.mu.
func (s *Service) reportAddress() {
	var first netip.Addr
	for addr := range s.store.Snapshot().Local().Addrs() {
		if s.cfg.Report {
			first = addr
		}
		break
	}
	s.cluster.SetReport(first)
}
