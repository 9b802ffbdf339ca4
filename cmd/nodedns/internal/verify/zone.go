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
)

const (
	// spread is how many nodes are chosen from all over the zone, and
	// maxMembers how many consensus members besides.
	spread     = 100
	maxMembers = 100
	// rounds is how often what changes is compared again.
	rounds = 5
)

// same reports whether a node did not change between two reads.
func same(was, is control.Node) bool {
	since := func(n control.Node) time.Time {
		if n.Since == nil {
			return time.Time{}
		}
		return *n.Since
	}
	return was.ID == is.ID && was.Departed == is.Departed && since(was).Equal(since(is)) && slices.Equal(was.Addresses, is.Addresses)
}

// isMember reports whether a node is a consensus member.
func isMember(n control.Node) bool {
	return slices.Contains(n.Roles, zone.ConsensusMember.String())
}

// read returns the nodes that keep accepts, in the order of their IDs, and the
// number of all. Keep gets the number of those before.
func (v *verification) read(ctx context.Context, keep func(i int, n control.Node) bool) (kept []control.Node, all int, err error) {
	err = v.Daemon.Nodes(ctx, control.Filter{}, func(n control.Node) error {
		if keep(all, n) {
			kept = append(kept, n)
		}
		all++
		return nil
	})
	return kept, all, err
}

// chosen makes the sample: this machine, consensus members, and nodes at even
// distances of a zone of so many.
func (v *verification) chosen(total int) func(i int, n control.Node) bool {
	members := 0
	return func(i int, n control.Node) bool {
		if isMember(n) {
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

func zoneDifferences(s nodedns.Status, sample []control.Node, all int) []Difference {
	var differences []Difference
	if all != total(s) {
		differences = append(differences, Difference{"number of nodes", fmt.Sprint(total(s)), fmt.Sprint(all)})
	}
	i := slices.IndexFunc(sample, func(n control.Node) bool { return n.Local })
	if i < 0 {
		return append(differences, Difference{s.NodeID, joined(s.Addresses), ""})
	}
	if !slices.Equal(sample[i].Addresses, s.Addresses) {
		differences = append(differences, Difference{s.NodeID, joined(s.Addresses), joined(sample[i].Addresses)})
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
