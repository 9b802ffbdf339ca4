package hostsfile

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// nodesOf is a snapshot as a client that lists the daemon's nodes sees it.
func nodesOf(snap *zone.Snapshot) []Node {
	var nodes []Node
	for n := range snap.All() {
		nodes = append(nodes, Node{n.ID(), slices.Collect(n.Names()), slices.Collect(n.Addrs()), n.IsLocal(), n.Roles()})
	}
	return nodes
}

// filled is a zone with our node and two peers, of which one is a consensus
// member.
func filled(t *testing.T) *zone.Store {
	t.Helper()
	store := newStore(t)
	setLocal(store, "192.0.2.1", "2001:db8::1")
	src := store.Source("curator")
	src.Begin()
	join(src, 1)
	src.Set(zone.Entry{ID: peer(2), Addresses: testkit.Addrs(peerAddr(2)), Roles: zone.ConsensusMember})
	src.Complete()
	return store
}

func TestCompareHosts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		mode   HostsMode
		limit  int
		alter  func(text string) string
		names  []string // of the differences
		got    string   // of the first one
		remove bool
	}{
		{name: "as written", mode: HostsBlock},
		{name: "as written, all of it ours", mode: HostsOwn},
		{name: "cut down to the consensus members", mode: HostsBlock, limit: 2},
		{name: "the user's lines do not matter", mode: HostsBlock, alter: func(s string) string { return "# mine\n" + s + "192.0.2.9 other\n" }},
		{
			name: "a node is missing", mode: HostsBlock, names: []string{peer(1)},
			alter: func(s string) string { return strings.Replace(s, peerLine(1), "", 1) },
		},
		{
			name: "another address", mode: HostsOwn, names: []string{peer(1)}, got: "10.9.9.9",
			alter: func(s string) string { return strings.Replace(s, peerLine(1), "10.9.9.9 "+peer(1)+"\n", 1) },
		},
		{
			name: "a node too many", mode: HostsBlock, names: []string{peer(9)}, got: peerAddr(9),
			alter: func(s string) string {
				return strings.Replace(s, hostsformat.EndMarker, peerLine(9)+hostsformat.EndMarker, 1)
			},
		},
		{
			name: "another order", mode: HostsOwn, names: []string{"/etc/hosts"}, got: "another order",
			alter: func(s string) string { return strings.Replace(s, peerLine(1)+peerLine(2), peerLine(2)+peerLine(1), 1) },
		},
		{
			name: "a line between the markers that is of no node", mode: HostsBlock, names: []string{"other"}, got: "192.0.2.9",
			alter: func(s string) string {
				return strings.Replace(s, hostsformat.EndMarker, "192.0.2.9 other\n"+hostsformat.EndMarker, 1)
			},
		},
		{
			name: "a line between the markers that is not ours", mode: HostsBlock, names: []string{"/etc/hosts"}, got: "does not write",
			alter: func(s string) string {
				return strings.Replace(s, hostsformat.EndMarker, "192.0.2.9 other # mine\n"+hostsformat.EndMarker, 1)
			},
		},
		{
			name: "no block", mode: HostsBlock, names: []string{peer(1), peer(2), string(self)},
			alter: func(string) string { return "127.0.0.1 localhost\n" },
		},
		{name: "no file", mode: HostsBlock, names: []string{"/etc/hosts"}, remove: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, store := newScratch(t), filled(t)
			cfg := s.hostsOnly()
			cfg.HostsMode, cfg.HostsMaxNodes = tt.mode, tt.limit
			write(t, s.path("etc/hosts"), "127.0.0.1 localhost\n")
			k := mustStart(t, cfg, store)
			if tt.alter != nil {
				text, err := os.ReadFile(s.path("etc/hosts"))
				if err != nil {
					t.Fatal(err)
				}
				write(t, s.path("etc/hosts"), tt.alter(string(text)))
			}
			if tt.remove {
				if err := os.Remove(s.path("etc/hosts")); err != nil {
					t.Fatal(err)
				}
			}
			got, err := k.CompareHosts(Zone{Ready: true, Total: 3, Nodes: nodesOf(store.Snapshot())})
			var names []string
			for _, d := range got {
				names = append(names, strings.TrimPrefix(d.Name, s.root))
			}
			if err != nil || !slices.Equal(names, tt.names) {
				t.Fatalf("got %+v, %v, want differences of %q", got, err, tt.names)
			}
			if len(got) > 0 && !strings.Contains(got[0].Got, tt.got) {
				t.Errorf("got %q, want %q in it", got[0].Got, tt.got)
			}
		})
	}
}

// Before the zone is ready, the peers of an earlier run are no difference.
func TestCompareHostsBeforeReady(t *testing.T) {
	t.Parallel()
	s, store := newScratch(t), newStore(t)
	store.Source("curator").Expect(true)
	setLocal(store, "192.0.2.1")
	write(t, s.path("etc/hosts"), block(peerLine(4)))
	k := mustStart(t, s.hostsOnly(), store)
	zone := Zone{Total: 1, Nodes: nodesOf(store.Snapshot())}
	if got, err := k.CompareHosts(zone); err != nil || len(got) > 0 {
		t.Errorf("got %+v, %v, want none", got, err)
	}
	zone.Nodes[0].Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.77")}
	if got, err := k.CompareHosts(zone); err != nil || len(got) == 0 {
		t.Errorf("with another address of ours: got %+v, %v, want a difference", got, err)
	}
}

func TestCompareIdentity(t *testing.T) {
	t.Parallel()
	s, store := newScratch(t), newStore(t)
	cfg := s.config()
	cfg.MachineIDFormat = MachineIDHex
	k := mustStart(t, cfg, store)
	for _, c := range k.CompareIdentity() {
		if c.Err != nil || c.Difference != nil || c.Remark != "" {
			t.Errorf("as written: %+v", c)
		}
	}
	write(t, s.path("etc/machine-id"), string(self))
	write(t, s.path("etc/hostname"), "elsewhere\n")
	for i, want := range []string{string(self), "elsewhere"} {
		if c := k.CompareIdentity()[i]; c.Difference == nil || !strings.Contains(c.Difference.Got, want) {
			t.Errorf("altered: %+v, want %q in what is got", c, want)
		}
	}
	cfg.MachineIDFormat = MachineIDAuto
	if err := os.MkdirAll(s.path(systemdRuns), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, s.path("etc/machine-id"), strings.Repeat("a", 32)+"\n")
	if c := mustKeeper(t, cfg).CompareIdentity()[0]; c.Difference != nil || c.Remark == "" {
		t.Errorf("under systemd: %+v, want a remark only", c)
	}
}

// What systemd cannot read is no machine ID, though it is left as it is.
func TestCompareMachineIDThatIsNone(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"01234567-89ab-cdef-0123-456789abcdef\n", strings.Repeat("0", 32) + "\n", string(self), "uninitialized\n", "",
	} {
		for _, format := range []MachineIDFormat{MachineIDAuto, MachineIDNode, MachineIDHex} {
			s := newScratch(t)
			if err := os.MkdirAll(s.path(systemdRuns), 0o755); err != nil {
				t.Fatal(err)
			}
			cfg := s.config()
			cfg.MachineIDFormat = format
			write(t, s.path("etc/machine-id"), content)
			c := mustKeeper(t, cfg).CompareIdentity()[0]
			if c.Name != "machine-id" || c.Difference == nil || c.Remark != "" || !strings.Contains(c.Difference.Got, strings.TrimSpace(content)) {
				t.Errorf("%q, %s: %+v, want a difference", content, format, c)
			}
		}
	}
}
