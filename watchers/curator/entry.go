package curator

import (
	"math"
	"net/netip"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

// entries turns an event's nodes into what the zone takes. Nothing is judged
// here: IDs are carried as the curator spells them, and what is no address, or no
// name, too. Labels are those of the name only, as nodeDecoder leaves them.
func entries(nodes []*curatorpb.Node) []zone.Entry {
	all := make([]zone.Entry, 0, len(nodes))
	for _, node := range nodes {
		entry := zone.Entry{
			ID:          node.GetId(),
			Roles:       roles(node.GetRoles()),
			State:       state(node.GetState()),
			CuratorPort: port(node.GetStatus().GetRunningCurator()),
			BootID:      string(node.GetStatus().GetBootId()),
			Names:       names(node.GetLabels()),
		}
		// A node that has never reported itself has no address. The entry
		// then only shows that there is a node, and leaves its address alone.
		if text := node.GetStatus().GetExternalAddress(); text != "" {
			if addr, err := netip.ParseAddr(text); err == nil {
				entry.Addresses = []netip.Addr{addr}
			} else {
				entry.Malformed = text
			}
		}
		all = append(all, entry)
	}
	return all
}

func tombstones(buried []*curatorpb.WatchEvent_NodeTombstone) []string {
	ids := make([]string, 0, len(buried))
	for _, tombstone := range buried {
		ids = append(ids, tombstone.GetNodeId())
	}
	return ids
}

func roles(held *curatorpb.NodeRoles) zone.Roles {
	var all zone.Roles
	if held.GetConsensusMember() != nil {
		all |= zone.ConsensusMember
	}
	if held.GetKubernetesController() != nil {
		all |= zone.KubernetesController
	}
	if held.GetKubernetesWorker() != nil {
		all |= zone.KubernetesWorker
	}
	return all
}

func state(s curatorpb.NodeState) zone.State {
	switch s {
	case curatorpb.NodeState_NODE_STATE_NEW:
		return zone.StateNew
	case curatorpb.NodeState_NODE_STATE_STANDBY:
		return zone.StateStandby
	case curatorpb.NodeState_NODE_STATE_UP:
		return zone.StateUp
	case curatorpb.NodeState_NODE_STATE_DECOMMISSIONED:
		return zone.StateDecommissioned
	default:
		return zone.StateUnknown
	}
}

// port is 0, no curator, for what is not a TCP port.
func port(running *curatorpb.NodeStatus_RunningCurator) uint16 {
	if p := running.GetPort(); p > 0 && p <= math.MaxUint16 {
		return uint16(p)
	}
	return 0
}
