package changelog

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

const self = "metropolis-00000000000000000000000000000000"

func TestBetween(t *testing.T) {
	t.Parallel()
	store, err := zone.NewStore(zone.Config{Local: self, RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	source := store.Source("curator")
	source.Expect(true)
	id := func(i int) string { return fmt.Sprintf("metropolis-%032x", i) }
	at := func(third int) (all []zone.Entry) {
		for i := range 100 {
			all = append(all, zone.Entry{ID: id(i + 1), Addresses: testkit.Addrs(fmt.Sprintf("192.0.%d.%d", third, i+1))})
		}
		return all
	}
	named := func(i int, addr string, names ...string) zone.Entry {
		return zone.Entry{ID: id(i), Addresses: testkit.Addrs(addr), Names: names}
	}
	files := store.FileSource("files")
	second := func(n zone.Node) bool { return string(n.ID()) == id(2) }
	tests := []struct {
		name   string
		change func()
		about  func(zone.Node) bool
		want   []string // kind, count and the last node that is named
	}{
		{"nothing", func() {}, nil, nil},
		{"found", func() { source.SetConnected(true) }, nil, []string{"cluster-found 0"}},
		{
			"the backlog", func() { source.Begin(); source.Set(at(2)...); source.Complete() }, nil,
			[]string{"joined 100 " + id(10) + " [192.0.2.10]", "ready 0"},
		},
		{"ours", func() { store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.200")}) }, nil, []string{"local 1 " + self + " [192.0.2.200]"}},
		{"moved, one is chosen", func() { source.Set(at(3)...) }, second, []string{"moved 1 " + id(2) + " [192.0.3.2]"}},
		{"a role", func() {
			source.Set(zone.Entry{ID: id(1), Addresses: testkit.Addrs("192.0.3.1"), Roles: zone.ConsensusMember})
		}, nil, nil},
		{"named", func() { source.Set(named(2, "192.0.3.2", "web-2"), named(3, "192.0.3.3", "web-3")) }, nil, []string{"renamed 2 " + id(3) + " [192.0.3.3] [web-3]"}},
		{"renamed and moved", func() { source.Set(named(3, "192.0.3.103", "db")) }, nil, []string{"moved 1 " + id(3) + " [192.0.3.103] [db]", "renamed 1 " + id(3) + " [192.0.3.103] [db]"}},
		{"ours, by the cluster", func() { source.Set(zone.Entry{ID: self, Names: []string{"own"}}) }, nil, []string{"renamed 1 " + self + " [192.0.2.200] [own]"}},
		{"nameless again", func() { source.Set(named(2, "192.0.3.2"), named(3, "192.0.3.103")) }, second, []string{"renamed 1 " + id(2) + " [192.0.3.2]"}},
		{"free ID", func() { files.Set(zone.Entry{ID: "nas", Names: []string{"store"}}) }, nil, []string{"joined 1 nas [] [store]"}},
		{"departed", func() { source.Gone(id(2)) }, nil, []string{"departed 1 " + id(2) + " [192.0.3.2]"}},
		{"several, in their order", func() {
			source.Gone(id(1))
			source.Set(zone.Entry{ID: id(2), Addresses: testkit.Addrs("192.0.9.9")})
			source.Set(zone.Entry{ID: id(200)})
		}, nil, []string{"joined 1 " + id(200) + " []", "departed 1 " + id(1) + " [192.0.3.1]", "returned 1 " + id(2) + " [192.0.9.9]"}},
		{"lost", func() { source.SetConnected(false) }, nil, []string{"cluster-lost 0"}},
		{"another cluster", func() { source.SetCluster("x"); source.SetCluster("y") }, second, []string{"dropped 1 " + id(2) + " [192.0.9.9]", "not-ready 0"}},
	}
	for _, tt := range tests {
		was := store.Snapshot()
		tt.change()
		var got []string
		for _, c := range Between(was, store.Snapshot(), tt.about) {
			text := fmt.Sprint(c.Kind, " ", c.Count)
			if n := len(c.Nodes); n > 0 {
				text += fmt.Sprint(" ", c.Nodes[n-1].ID, " ", c.Nodes[n-1].Addresses)
				if names := c.Nodes[n-1].Names; names != nil {
					text += fmt.Sprint(" ", names)
				}
			}
			got = append(got, text)
			if len(c.Nodes) > 10 {
				t.Errorf("%s: %d nodes are named", tt.name, len(c.Nodes))
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}
