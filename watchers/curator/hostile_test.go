package curator

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	protobuf "google.golang.org/protobuf/proto"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// victim is a zone that follows a curator which does its worst.
type victim struct {
	t     *testing.T
	s     *memory.Server
	w     *Watcher
	store *zone.Store
	log   logbook
}

// known is the node that the victim knows before anything bad happens.
const known = 0xbeef

// newVictim waits until one good backlog has been sent.
func newVictim(t *testing.T, maxNodes int) *victim {
	t.Helper()
	v := &victim{t: t}
	var cfg Config
	v.s, cfg = enrolled(t, memory.Node{ID: nodeID(known), Address: "192.0.2.200"})
	v.s.Directory.Set(memory.Node{ID: string(cfg.LocalID), Address: "192.0.2.1"})
	address, _ := serve(t, v.s)
	var err error
	v.store, err = zone.NewStore(zone.Config{Local: cfg.LocalID, MaxNodes: maxNodes, Logger: v.log.Logger()})
	must(t, err)
	source := v.store.Source("curator")
	source.Expect(true)
	v.store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
	cfg.Prefix, cfg.Endpoints, cfg.NameLabel, cfg.Logger = prefix, endpointsAt(address), nameLabel, v.log.Logger()
	v.w, err = New(cfg, source)
	must(t, err)
	background(t, v.w.Run)
	awaitState(t, v.w, StateConnected)
	return v
}

// unharmed checks what has to be true through all of it.
func (v *victim) unharmed() {
	v.t.Helper()
	s := v.store.Snapshot()
	for id, want := range map[string]string{string(s.Local().ID()): "192.0.2.1", nodeID(known): "192.0.2.200"} {
		node, _ := s.Lookup(id)
		if addrs := fmt.Sprint(node.HasAddr()); addrs != "true" {
			v.t.Errorf("%s has no address", id)
		}
		for addr := range node.Addrs() {
			if addr.String() != want {
				v.t.Errorf("%s is %s, want %s", id, addr, want)
			}
		}
	}
	if text := v.log.String(); strings.Count(text, "\n") > 20 || len(text) > 20_000 {
		v.t.Errorf("the log has %d characters:\n%.2000s", len(text), text)
	}
}

func event(t *testing.T, e *curatorpb.WatchEvent) []byte {
	t.Helper()
	message, err := protobuf.Marshal(e)
	must(t, err)
	return message
}

// listing is the entry of a curator's own node, by which its backlog is believed.
func listing(s *memory.Server) *curatorpb.Node {
	return &curatorpb.Node{
		Id:    s.NodeID(),
		Roles: &curatorpb.NodeRoles{ConsensusMember: &curatorpb.NodeRoles_ConsensusMember{}},
	}
}

// marked is the last event of a backlog, with the least that is to be in one: the
// curator's own node, ours, and the one that is known.
func (v *victim) marked() *curatorpb.WatchEvent {
	return &curatorpb.WatchEvent{
		Nodes:    []*curatorpb.Node{listing(v.s), {Id: string(v.w.cfg.LocalID)}, {Id: nodeID(known)}},
		Progress: curatorpb.WatchEvent_PROGRESS_LAST_BACKLOGGED,
	}
}

// bogus are n entries that no zone takes.
func bogus(n int) []*curatorpb.Node {
	nodes := make([]*curatorpb.Node, n)
	for i := range nodes {
		nodes[i] = &curatorpb.Node{Id: fmt.Sprint("bogus-", i), Status: &curatorpb.NodeStatus{ExternalAddress: "192.0.2.66"}}
	}
	return nodes
}

func TestBogusEntries(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	v.s.Behave(memory.Behaviour{Raw: [][]byte{
		event(t, &curatorpb.WatchEvent{Nodes: bogus(100_000)}),
		event(t, v.marked()),
	}})
	awaitStatus(t, v.w, "the end of the backlog", func(s Status) bool {
		return s.State == StateConnected && v.store.Snapshot().Counts().Quarantined == 100_000
	})
	if n := strings.Count(v.log.String(), "invalid cluster entries ignored"); n != 1 {
		t.Errorf("refusals are %d lines, want one", n)
	}
	v.unharmed()
}

func TestEndlessBacklog(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 1000)
	v.s.Behave(memory.Behaviour{Script: func(send func([]byte) error) error {
		for i := 0; ; i++ {
			var nodes []*curatorpb.Node
			for n := range 100 {
				nodes = append(nodes, &curatorpb.Node{Id: nodeID(1<<20 + 100*i + n)})
			}
			if err := send(event(t, &curatorpb.WatchEvent{Nodes: nodes})); err != nil {
				return err
			}
		}
	}})
	status := awaitStatus(t, v.w, "many events", func(s Status) bool { return s.Events > 500 })
	if status.State != StateSyncing || !strings.Contains(status.Detail, "coming in") {
		t.Errorf("state %q, detail %q", status.State, status.Detail)
	}
	if live := v.store.Snapshot().Counts().Live; live > 1001 {
		t.Errorf("%d nodes", live)
	}
	v.unharmed()
	v.s.Behave(memory.Behaviour{})
	awaitState(t, v.w, StateConnected)
	v.unharmed()
}

// One message is as large as any may be; the next one is larger.
func TestMessagesAtTheLimit(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	sized := func(size int) []byte {
		const overhead = 2 * (1 + 4) // two tags, two lengths
		message := event(t, &curatorpb.WatchEvent{Nodes: []*curatorpb.Node{{Id: string(bytes.Repeat([]byte("x"), size-overhead))}}})
		if len(message) != size {
			t.Fatalf("the message has %d bytes, want %d", len(message), size)
		}
		return message
	}
	v.s.Behave(memory.Behaviour{Raw: [][]byte{sized(maxMessage), event(t, v.marked())}})
	awaitStatus(t, v.w, "the largest message", func(s Status) bool {
		return s.State == StateConnected && v.store.Snapshot().Counts().Quarantined == 1
	})
	v.s.Behave(memory.Behaviour{Raw: [][]byte{sized(maxMessage + 1)}})
	awaitStatus(t, v.w, "the refusal", func(s Status) bool {
		return s.State == StateBackingOff && strings.Contains(s.Detail, "ResourceExhausted")
	})
	v.unharmed()
}

// Many times the nodes that would fit into memory if they were decoded at once.
func TestManyEmptyNodes(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	const nodes = 1 << 18
	v.s.Behave(memory.Behaviour{Raw: [][]byte{bytes.Repeat([]byte{0x0a, 0x00}, nodes), event(t, v.marked())}})
	awaitStatus(t, v.w, "the last of them", func(s Status) bool { return s.Events > nodes/maxPiece && s.State == StateConnected })
	v.unharmed()
}

// A backlog breaks off and the stream stays open: what came is used, and no node
// departs for lack of the rest.
func TestStalledStream(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	v.s.Behave(memory.Behaviour{Raw: [][]byte{event(t, &curatorpb.WatchEvent{Nodes: []*curatorpb.Node{
		{Id: nodeID(1), Status: &curatorpb.NodeStatus{ExternalAddress: "192.0.2.9"}},
	}})}})
	status := awaitStatus(t, v.w, "quiet", func(s Status) bool { return s.State == StateConnected && s.Connects == 2 })
	if status.Detail == "" || v.store.Snapshot().Counts().Departed != 0 {
		t.Errorf("status %+v, counts %+v", status, v.store.Snapshot().Counts())
	}
	v.unharmed()
}

// Names that are one but for the case of their letters are one, the first one.
func TestNamesByCaseOnly(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	v.s.Directory.Set(memory.Node{ID: strings.ToUpper(nodeID(known)), Address: "192.0.2.66"})
	awaitStatus(t, v.w, "the refusal", func(Status) bool { return v.store.Snapshot().Counts().Quarantined == 1 })
	v.unharmed()
}

// Labels that are no names cost the nodes nothing but the name: they keep the
// addresses, and others their names, our own node among them.
func TestHostileLabels(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	hostile := []string{
		"localhost", "www.bank.example", strings.Repeat("a", 300), strings.Repeat("a", 1<<20), "../x", "a b", "a\nb", "a\x00",
		"\u202ebew", "a,b", "\xff\xfe", "wpad", "ip6-loopback", "role", "127.0.0.1", "0x7f000001", nodeID(known), "web_1", "-a",
	}
	marked := v.marked()
	marked.Nodes[1].Labels = &curatorpb.NodeLabels{Pairs: []*curatorpb.NodeLabels_Pair{{Key: nameLabel, Value: "Our-Own"}}}
	marked.Nodes[2].Labels = &curatorpb.NodeLabels{Pairs: []*curatorpb.NodeLabels_Pair{{Key: "x", Value: "y"}, {Key: nameLabel, Value: "web-1"}}}
	message := event(t, marked)
	named := func(n int, pairs ...[]byte) {
		labels := bytesField(nodeLabels, bytes.Join(pairs, nil))
		status := bytesField(nodeStatus, textField(statusAddress, fmt.Sprint("192.0.2.", n)))
		message = append(bytesField(nodesField, bytes.Join([][]byte{textField(nodeID_, nodeID(n)), status, labels}, nil)), message...)
	}
	for i, name := range hostile {
		named(10+i, bytesField(labelsPairs, pairOf(nameLabel, name)))
	}
	twice := bytesField(labelsPairs, pairOf(nameLabel, "web-2"))
	named(90, twice, twice)
	named(91, bytes.Repeat(bytesField(labelsPairs, pairOf("x", "y")), 100_000), bytesField(labelsPairs, pairOf(nameLabel, "web-3")))
	named(92, bytes.Repeat(bytesField(labelsPairs, pairOf(nameLabel, "web-4")), 100_000))
	v.s.Behave(memory.Behaviour{Raw: [][]byte{message}})
	awaitStatus(t, v.w, "the end of the backlog", func(s Status) bool {
		return s.State == StateConnected && v.store.Snapshot().Counts().Live == 3+len(hostile)+3
	})
	snapshot := v.store.Snapshot()
	var names []string
	for node := range snapshot.All() {
		for name := range node.Names() {
			names = append(names, name.Text)
		}
		if !node.HasAddr() && string(node.ID()) != v.s.NodeID() {
			t.Errorf("%s has no address", node.ID())
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"our-own", "web-1", "web-3"}) {
		t.Errorf("names %q", names)
	}
	if own := snapshot.LookupName([]byte("our-own")); !own.Node.IsLocal() {
		t.Error("our own label does not name us")
	}
	if n := snapshot.Counts().Quarantined; n != len(hostile)+2 {
		t.Errorf("%d entries are refused, want one for each name", n)
	}
	v.unharmed()
}

// A node that comes, goes, moves and shares an address, as fast as the curator
// can report. The events are sent one by one: the directory would leave out those
// that a slow reader has missed.
func TestFlappingNode(t *testing.T) {
	t.Parallel()
	v := newVictim(t, 0)
	const flaps = 3000
	v.s.Behave(memory.Behaviour{Script: func(send func([]byte) error) error {
		at := func(address string) *curatorpb.WatchEvent {
			return &curatorpb.WatchEvent{Nodes: []*curatorpb.Node{
				{Id: nodeID(1), Status: &curatorpb.NodeStatus{ExternalAddress: address}},
			}}
		}
		marked := v.marked()
		marked.Nodes = append(marked.Nodes, at("192.0.2.9").Nodes...)
		events := []*curatorpb.WatchEvent{marked}
		for range flaps / 4 {
			events = append(events,
				&curatorpb.WatchEvent{NodeTombstones: []*curatorpb.WatchEvent_NodeTombstone{{NodeId: nodeID(1)}}},
				at("192.0.2.200"), // the known node's
				at("192.0.2.1"),   // ours: refused
				at("192.0.2.9"))
		}
		for _, e := range append(events, at("192.0.2.1")) {
			if err := send(event(t, e)); err != nil {
				return err
			}
		}
		<-t.Context().Done()
		return nil
	}})
	// An event counts when it has come, a little before the zone knows of it.
	awaitStatus(t, v.w, "the last of it, with no address contested", func(s Status) bool {
		counts := v.store.Snapshot().Counts()
		return s.Events > flaps && counts.Quarantined == 1 && counts.AddressConflicts == 0
	})
	v.unharmed()
}

// The port of a curator changes as fast as its node can report another one: it
// does not make this machine connect to all those ports.
func TestFlappingPort(t *testing.T) {
	t.Parallel()
	p, cfg := newPlane(t, 2)
	cfg.Endpoints = endpointsAt(p.addresses[:1]...)
	var asked atomic.Int64
	cfg.Port = func(id zone.ID) uint16 {
		if string(id) != p.servers[1].NodeID() {
			return p.port(id)
		}
		return uint16(1 + asked.Add(1)%1000)
	}
	w, _, _ := watch(t, cfg)
	p.awaitLeader(w, 0)
	before, began := asked.Load(), time.Now()
	retry.Sleep(t.Context(), 3*learnInterval)
	n, watched := asked.Load()-before, time.Since(began)
	if n > int64(watched/learnInterval+1) {
		t.Errorf("%d ports were taken within %v", n, watched)
	}
}
