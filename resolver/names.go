package resolver

import (
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// ZoneChanged takes note of what has changed between two snapshots of the zone. A name
// that a file has given to a node is no other server's any more, so that what such
// servers said of it behind their aliases is dropped from the cache.
func (s *Server) ZoneChanged(old, now *zone.Snapshot) {
	if !old.HasFileNames() && !now.HasFileNames() {
		return
	}
	for change := range now.Changes(old) {
		if !slices.Equal(namesFromFiles(change.Before), namesFromFiles(change.After)) {
			s.cache.FlushForeign()
			return
		}
	}
}

func namesFromFiles(n zone.Node) (names []string) {
	if !n.Exists() {
		return nil
	}
	for name := range n.Names() {
		if name.Origin == zone.NameFromFile {
			names = append(names, name.Text)
		}
	}
	return names
}
