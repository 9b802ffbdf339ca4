package resolver

import (
	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
)

// HostsFile is where the user's hosts file is, and which names in it have no
// effect.
type HostsFile = hosts.Config

// HostsZone are the names of nodes, which lines of the hosts file cannot change.
type HostsZone = hosts.Zone

// HostsSummary summarizes the hosts file as it was parsed.
type HostsSummary = hosts.Summary

// CacheStats are the counters of the cache.
type CacheStats = cache.Stats

// QueryLog publishes the outcome of each query to its watchers.
type QueryLog = querylog.Log

// QueryEntry is a query that was answered.
type QueryEntry = querylog.Entry

// QueryWatcher receives the queries from its Watch to its Close.
type QueryWatcher = querylog.Watcher

// QueryLogStats are the counters of the query log.
type QueryLogStats = querylog.Stats

// MaxQueryWatchers is the number of watchers that may exist concurrently.
const MaxQueryWatchers = querylog.MaxWatchers

// ErrTooManyWatchers is returned when there are MaxQueryWatchers already.
var ErrTooManyWatchers = querylog.ErrTooMany

// SpecialUse reports whether a name is reserved, such as localhost and the
// names in IANA's registry of special-use names.
func SpecialUse(name string) bool {
	wire, err := decision.ParseName(name)
	return err == nil && decision.Reserved(wire)
}
