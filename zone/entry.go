package zone

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Entry is what a source reports of one node, unchecked.
type Entry struct {
	// ID is the node's ID as the source spells it. In files it may be any readable
	// name instead: a free ID.
	ID string
	// Names are the node's readable names, the preferred one first: of a cluster one
	// of a single label, in files up to 8. One that is refused is left out of the
	// node; see [ParseName].
	Names []string
	// Addresses holds at most one address of each family. None means that the
	// source does not know; the last known ones then stay.
	Addresses []netip.Addr
	// Malformed is a text that the source has for an address and that is none:
	// the entry is refused for it. It is empty otherwise.
	Malformed string
	// Roles of the node in the cluster.
	Roles Roles
	// State of the node in the cluster. It does not change answers.
	State State
	// CuratorPort is the TCP port of the node's curator, or 0 without one.
	CuratorPort uint16
	// BootID is the boot ID of the node's kernel when it last reported itself,
	// as 16 bytes or a UUID. It may be missing.
	BootID string

	// Since is when the addresses were learnt, or zero for now. Only entries
	// that an earlier run saved have it, and the next two.
	Since time.Time
	// Departed is when the node left the cluster, or zero while it is live,
	// and Counted how much of the retention had passed by the time it was
	// saved.
	Departed time.Time
	Counted  time.Duration
	// FromFile is set where the addresses come from a file, FileNames are the names
	// that do, Names then those of the cluster, and OwnedNames those of all names
	// that the node has although other nodes claim them. Only saved entries have
	// them, and the next one.
	FromFile   bool
	FileNames  []string
	OwnedNames []string
	// Owned are those of Addresses whose reverse record is the node's although
	// other nodes have them too.
	Owned []netip.Addr
}

// Roles is a set of the roles that a node can have.
type Roles uint8

// The roles of a Metropolis node.
const (
	ConsensusMember Roles = 1 << iota
	KubernetesController
	KubernetesWorker

	allRoles = ConsensusMember | KubernetesController | KubernetesWorker
)

var roleNames = [...]struct {
	role Roles
	name string
}{
	{ConsensusMember, "consensus-member"},
	{KubernetesController, "kubernetes-controller"},
	{KubernetesWorker, "kubernetes-worker"},
}

// ParseRole returns the role of a name such as "consensus-member".
func ParseRole(name string) (Roles, error) {
	for _, known := range roleNames {
		if known.name == name {
			return known.role, nil
		}
	}
	return 0, fmt.Errorf("unknown role %.80q: want one of %s", name, strings.ReplaceAll(allRoles.String(), ",", ", "))
}

// Names lists the roles of the set, in a fixed order.
func (r Roles) Names() []string {
	names := []string{}
	for _, known := range roleNames {
		if r&known.role != 0 {
			names = append(names, known.name)
		}
	}
	return names
}

// String joins the names of the roles by commas.
func (r Roles) String() string { return strings.Join(r.Names(), ",") }

// State is a node's state in its cluster.
type State uint8

// The states of a Metropolis node. StateUnknown also stands for every state
// that this version does not know.
const (
	StateUnknown State = iota
	StateNew
	StateStandby
	StateUp
	StateDecommissioned
)

// String is the state's name in lower case.
func (s State) String() string {
	switch s {
	case StateNew:
		return "new"
	case StateStandby:
		return "standby"
	case StateUp:
		return "up"
	case StateDecommissioned:
		return "decommissioned"
	default:
		return "unknown"
	}
}
