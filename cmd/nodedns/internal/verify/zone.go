package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

const (
	// spread is how many nodes are chosen from all over the zone, and
	// maxMembers how many consensus members besides.
	spread     = 100
	maxMembers = 100
	// rounds is how often what changes is compared again.
	rounds = 5
)

// node is what is compared of a node.
type node struct {
	hostsfile.Node
	departed bool
	since    time.Time
}

func newNode(n control.Node) node {
	is := node{Node: hostsfile.Node{ID: zone.ID(n.ID), Addrs: n.Addresses, Local: n.Local}, departed: n.Departed}
	for _, name := range n.Roles {
		// A role unknown to this version is ignored.
		if role, err := zone.ParseRole(name); err == nil {
			is.Roles |= role
		}
	}
	if n.Since != nil {
		is.since = *n.Since
	}
	return is
}

// same reports whether a node did not change between two reads.
func (n node) same(other node) bool {
	return n.ID == other.ID && n.departed == other.departed && n.since.Equal(other.since) && slices.Equal(n.Addrs, other.Addrs)
}

// read returns the nodes that keep accepts, in the order of their IDs, and the
// number of all. Keep gets the number of those before.
func (v *verification) read(ctx context.Context, keep func(i int, n node) bool) (kept []node, all int, err error) {
	err = v.Daemon.Nodes(ctx, control.Filter{}, func(n control.Node) error {
		if is := newNode(n); keep(all, is) {
			kept = append(kept, is)
		}
		all++
		return nil
	})
	return kept, all, err
}

// chosen makes the sample: this machine, consensus members, and nodes at even
// distances of a zone of so many.
func (v *verification) chosen(total int) func(i int, n node) bool {
	members := 0
	return func(i int, n node) bool {
		if n.Roles&zone.ConsensusMember != 0 {
			members++
			if members <= maxMembers {
				return true
			}
		}
		return v.All || n.Local || total <= spread || i*spread/total != (i+1)*spread/total
	}
}

// checkZone takes the sample, and checks that the status and the list of nodes
// are of one zone.
func (v *verification) checkZone(ctx context.Context) (Check, error) {
	var differences []Difference
	for range rounds {
		before, err := v.Daemon.Status(ctx)
		if err != nil {
			return Check{}, err
		}
		sample, all, err := v.read(ctx, v.chosen(total(before)))
		if err != nil {
			return Check{}, err
		}
		after, err := v.Daemon.Status(ctx)
		if err != nil {
			return Check{}, err
		}
		v.status, v.sample = after, sample
		differences = zoneDifferences(after, sample, all)
		if len(differences) == 0 {
			break
		}
		if before.Serial != after.Serial {
			differences = nil // it changes, and is compared again
			continue
		}
		break
	}
	return newCheck("zone", zoneDetail(v.status), differences), nil
}

func zoneDifferences(s nodedns.Status, sample []node, all int) []Difference {
	var differences []Difference
	if all != total(s) {
		differences = append(differences, Difference{"number of nodes", fmt.Sprint(total(s)), fmt.Sprint(all)})
	}
	i := slices.IndexFunc(sample, func(n node) bool { return n.Local })
	if i < 0 {
		return append(differences, Difference{s.NodeID, joined(s.Addresses), ""})
	}
	if !slices.Equal(sample[i].Addrs, s.Addresses) {
		differences = append(differences, Difference{s.NodeID, joined(s.Addresses), joined(sample[i].Addrs)})
	}
	return differences
}

func joined(addrs []netip.Addr) string { return strings.Join(texts(addrs), " ") }

func zoneDetail(s nodedns.Status) string {
	detail := fmt.Sprintf("%s, serial %d", number(total(s), "node"), s.Serial)
	if !s.Ready {
		detail += ", not ready"
	}
	return detail
}
