package zone

import "time"

// Cluster is the state of the zone's connection to its cluster: that of the
// sources that are expected, taken together. Where none is expected, any of
// them counts.
type Cluster struct {
	// Expected is whether a source of the cluster's nodes is configured.
	Expected bool
	// Connected is whether each expected source is connected now.
	Connected bool
	// Complete is whether each expected source has reported all of its nodes since
	// the process started.
	Complete bool
	// ID distinguishes clusters: that of the earliest source expected or, before
	// it is known, of the saved nodes. It is empty where that is not known.
	ID string
	// LostAt is when the first connection that is missing was lost or, where there
	// was none so far, first expected; Lost is the same moment in CLOCK_BOOTTIME.
	// Both are zero while connected.
	LostAt time.Time
	Lost   time.Duration
	// DataSince is the moment that the nodes other than ours date from: the
	// earliest of the sources' last complete backlogs, of the losses of their
	// connections, or of the saving by an earlier run. It is zero before there is
	// any.
	DataSince time.Time
}

// Cluster returns the state of the zone's connection to its cluster.
func (s *Snapshot) Cluster() Cluster { return s.cluster }

// Reachable reports whether the cluster is connected, or none is expected.
func (s *Snapshot) Reachable() bool { return s.cluster.Connected || !s.cluster.Expected }

// LostAfter is how long the cluster must have been out of reach before answers and
// the verdict on the service report it: a curator that is restarted or changes its
// leader is back earlier.
const LostAfter = 60 * time.Second

// ClusterLost reports whether the cluster has been out of reach for over
// [LostAfter], and since when. The time now is of the Store's clock.
func (s *Snapshot) ClusterLost(now time.Duration) (since time.Time, lost bool) {
	if s.Reachable() {
		return time.Time{}, false
	}
	return s.cluster.LostAt, now-s.cluster.Lost > LostAfter
}
