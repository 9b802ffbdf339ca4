package memory

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/zone"
)

// Node is what a curator knows of a node.
type Node struct {
	ID string
	// Address under which other nodes reach it; empty until it has reported
	// itself.
	Address string
	Roles   zone.Roles
	State   zone.State
	// CuratorPort is the TCP port of its curator, or 0 without one.
	CuratorPort uint16
	// BootID and Reported are from the node's last report of itself, in
	// seconds since 1970.
	BootID   string
	Reported int64
	// Labels by their keys. A node with one of the key [NameLabel] has a readable
	// name, see [Named].
	Labels map[string]string
}

// NameLabel is the key of the label that usually has a node's readable name.
const NameLabel = curatorpb.DefaultNameLabel

// Named returns the labels of a node that has a readable name and no other label.
func Named(name string) map[string]string { return map[string]string{NameLabel: name} }

// equal reports whether two nodes do not differ in anything.
func (n Node) equal(other Node) bool {
	same := maps.Equal(n.Labels, other.Labels)
	n.Labels, other.Labels = nil, nil // none or an empty map
	return same && reflect.DeepEqual(n, other)
}

// message is the node as the API has it.
func (n Node) message() *curatorpb.Node {
	m := &curatorpb.Node{Id: n.ID, Roles: &curatorpb.NodeRoles{}, State: states[n.State]}
	for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
		if m.Labels == nil {
			m.Labels = &curatorpb.NodeLabels{}
		}
		m.Labels.Pairs = append(m.Labels.Pairs, &curatorpb.NodeLabels_Pair{Key: key, Value: n.Labels[key]})
	}
	if n.Roles&zone.ConsensusMember != 0 {
		m.Roles.ConsensusMember = &curatorpb.NodeRoles_ConsensusMember{}
	}
	if n.Roles&zone.KubernetesController != 0 {
		m.Roles.KubernetesController = &curatorpb.NodeRoles_KubernetesController{}
	}
	if n.Roles&zone.KubernetesWorker != 0 {
		m.Roles.KubernetesWorker = &curatorpb.NodeRoles_KubernetesWorker{}
	}
	if n.Address != "" || n.CuratorPort != 0 || n.BootID != "" {
		m.Status = &curatorpb.NodeStatus{ExternalAddress: n.Address, BootId: []byte(n.BootID)}
	}
	if m.Status != nil && n.Reported != 0 {
		m.Status.Timestamp = &curatorpb.NodeStatus_Timestamp{Seconds: n.Reported}
	}
	if n.CuratorPort != 0 {
		m.Status.RunningCurator = &curatorpb.NodeStatus_RunningCurator{Port: int32(n.CuratorPort)}
	}
	return m
}

var states = map[zone.State]curatorpb.NodeState{
	zone.StateNew:            curatorpb.NodeState_NODE_STATE_NEW,
	zone.StateStandby:        curatorpb.NodeState_NODE_STATE_STANDBY,
	zone.StateUp:             curatorpb.NodeState_NODE_STATE_UP,
	zone.StateDecommissioned: curatorpb.NodeState_NODE_STATE_DECOMMISSIONED,
}

// Directory is the set of a cluster's nodes. The zero value is empty and ready;
// several servers may share one.
type Directory struct {
	mu        sync.Mutex
	nodes     map[string]Node
	followers map[*follower]struct{}
	keep      func([]Node) error
	keepErr   error
}

// Keep has all nodes passed to keep after each change, before it is announced.
// Err is set when that failed.
func (d *Directory) Keep(keep func([]Node) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keep = keep
}

// Err is the error of the last change that could not be kept, or nil.
func (d *Directory) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keepErr
}

// follower is one reader of the changes. It remembers which nodes changed and
// not how, so one that is slow misses intermediate values only, needs no more
// memory than there are nodes, and holds up no other.
type follower struct {
	// Both under the directory's lock: the changed nodes, first come first.
	changed []string
	queued  map[string]struct{}
	// wake holds a token while there are changes.
	wake chan struct{}
}

// Set adds or replaces nodes.
func (d *Directory) Set(nodes ...Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.set(nodes...)
}

// add adds a node unless there is one of its ID.
func (d *Directory) add(node Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.nodes[node.ID]; !ok {
		d.set(node)
	}
}

// set is Set under the lock.
func (d *Directory) set(nodes ...Node) {
	if d.nodes == nil {
		d.nodes = make(map[string]Node)
	}
	var changed []string
	for _, node := range nodes {
		if known, ok := d.nodes[node.ID]; ok && known.equal(node) {
			continue
		}
		node.Labels = maps.Clone(node.Labels)
		d.nodes[node.ID] = node
		changed = append(changed, node.ID)
	}
	d.announce(changed)
}

// Rename gives a node another readable name; an empty one takes its name away. It
// reports whether there is such a node.
func (d *Directory) Rename(id, name string) bool {
	return d.SetLabel(id, NameLabel, name)
}

// SetLabel sets a label of a node, or removes it where the value is empty. It
// reports whether there is such a node.
func (d *Directory) SetLabel(id, key, value string) bool {
	return d.update(id, func(n *Node) {
		labels := maps.Clone(n.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		if labels[key] = value; value == "" {
			delete(labels, key)
		}
		n.Labels = labels
	})
}

// Remove deletes nodes.
func (d *Directory) Remove(ids ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var changed []string
	for _, id := range ids {
		if _, ok := d.nodes[id]; ok {
			delete(d.nodes, id)
			changed = append(changed, id)
		}
	}
	d.announce(changed)
}

// Nodes returns all nodes, sorted by ID.
func (d *Directory) Nodes() []Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sorted()
}

func (d *Directory) sorted() []Node {
	return slices.SortedFunc(maps.Values(d.nodes), func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
}

// announce notifies the followers which nodes have changed.
func (d *Directory) announce(ids []string) {
	if len(ids) > 0 && d.keep != nil {
		d.keepErr = d.keep(d.sorted())
	}
	for f := range d.followers {
		for _, id := range ids {
			f.add(id)
		}
	}
}

func (f *follower) add(id string) {
	if _, ok := f.queued[id]; ok {
		return
	}
	f.queued[id] = struct{}{}
	f.changed = append(f.changed, id)
	select {
	case f.wake <- struct{}{}:
	default: // is awake already
	}
}

// follow returns all nodes, and a follower of every change after that.
func (d *Directory) follow() ([]Node, *follower) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := &follower{queued: make(map[string]struct{}), wake: make(chan struct{}, 1)}
	if d.followers == nil {
		d.followers = make(map[*follower]struct{})
	}
	d.followers[f] = struct{}{}
	return d.sorted(), f
}

func (d *Directory) unfollow(f *follower) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.followers, f)
}

// next takes the change that f has not seen for the longest time: the node as
// it is now, or only its ID and false if it was removed. The last result is
// false when there is none.
func (d *Directory) next(f *follower) (node Node, exists, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(f.changed) == 0 {
		return Node{}, false, false
	}
	id := f.changed[0]
	f.changed = f.changed[1:]
	delete(f.queued, id)
	if node, exists = d.nodes[id]; !exists {
		node.ID = id
	}
	return node, exists, true
}
