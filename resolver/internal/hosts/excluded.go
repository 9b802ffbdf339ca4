package hosts

import (
	"bytes"

	"github.com/nodedns/nodedns/zone"
)

// Zone determines which names are the zone's.
type Zone struct {
	Prefix  zone.Prefix // of node IDs
	Local   zone.ID     // our own name, of any form
	Domains []string    // under which nodes are known too
}

// excluded has the names whose answers do not come from the hosts file.
type excluded struct {
	prefix []byte
	owners map[string]string // of names in wire form and those below them
}

const (
	ownerLoopback = "localhost always means the loopback addresses (RFC 6761)"
	ownerZone     = "the answers for it come from the cluster's nodes"
)

// minLabel is the length of the hex digits of a node ID. Shorter names need no
// further check.
const minLabel = 32

func (z *Zone) excluded() *excluded {
	e := &excluded{prefix: []byte(z.Prefix), owners: map[string]string{}}
	add := func(name, owner string) {
		// Names below an invalid host name are invalid too, so there is nothing to
		// find.
		if wire, err := appendName(nil, []byte(name)); err == nil {
			e.owners[string(wire)] = owner
		}
	}
	for _, domain := range z.Domains {
		add(domain, ownerZone)
	}
	add(string(z.Local), ownerZone)
	add("localhost", ownerLoopback)
	return e
}

// owner is what answers for a name instead, or "".
func (e *excluded) owner(name []byte) string {
	var label []byte
	for rest := name; rest[0] != 0; rest = rest[1+rest[0]:] {
		label = rest[1 : 1+rest[0]]
		if owner := e.owners[string(rest)]; owner != "" {
			return owner
		}
	}
	// The label that is left is the last one: nothing below a node exists.
	if len(label) == len(e.prefix)+minLabel && bytes.HasPrefix(label, e.prefix) {
		if _, err := zone.Prefix(e.prefix).Parse(string(label)); err == nil {
			return ownerZone
		}
	}
	return ""
}
