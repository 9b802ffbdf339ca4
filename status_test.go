package nodedns

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/zone"
)

// fill makes a zone of so many nodes. One in ten shares its address with
// another, and as many entries more are refused.
func (f *fixture) fill(nodes int) {
	source := f.store.Source("many")
	entries := make([]zone.Entry, 0, nodes+nodes/10)
	for i := range nodes {
		n := i + 1
		host := n - n%10/9 // of those with a nine the one before
		entries = append(entries, zone.Entry{
			ID:        fmt.Sprintf("metropolis-%032x", n),
			Addresses: testkit.Addrs(fmt.Sprintf("10.%d.%d.%d", host>>16, host>>8&255, host&255)),
		})
	}
	for i := range nodes / 10 {
		entries = append(entries, zone.Entry{ID: fmt.Sprintf("no node %d", i)})
	}
	source.Begin()
	source.Set(entries...)
	source.Complete()
}

// That nodes are missing is wrong.
func TestStatusShowsAnOverflow(t *testing.T) {
	t.Parallel()
	store, err := zone.NewStore(zone.Config{Local: self, MaxNodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	f := prepare(t)
	f.store = store
	if v := f.Status().Verdict; v.Has(verdict.ZoneFull) {
		t.Errorf("of a zone with room: %+v", v)
	}
	f.fill(10)
	status := f.Status()
	if !slices.ContainsFunc(status.Errors, func(e string) bool { return strings.Contains(e, "the zone is full with 3 nodes") }) || status.Nodes.Quarantined < 8 {
		t.Errorf("errors %q, nodes %+v", status.Errors, status.Nodes)
	}
}

// Which entries are refused, and why, is in the status and in answers.
func TestStatusShowsRefusedEntries(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	source := f.Zone().Source("test")
	source.Begin()
	source.Set(zone.Entry{ID: other, Addresses: testkit.Addrs("127.0.0.1")}, zone.Entry{ID: "node7"})
	source.Complete()
	status := f.Status()
	want := []zone.Refusal{{ID: other, Reason: "address 127.0.0.1 is a loopback address"}, {ID: "node7", Reason: "the name has no node-ID shape"}}
	if !slices.Equal(status.Refused, want) || status.Nodes.Quarantined != 2 {
		t.Errorf("refused are %+v of %d, want %+v", status.Refused, status.Nodes.Quarantined, want)
	}
	answer, err := inspect.Inspector{Server: f.Resolver(), Refusal: f.Zone().Refusal}.Query(t.Context(), other, "A")
	if err != nil || answer.Refused != want[0].Reason {
		t.Errorf("the answer %+v, %v does not say why", answer, err)
	}
	if n := f.logged.Count("all entries of the cluster backlog are invalid"); n != 1 {
		t.Errorf("%d lines, want one:\n%s", n, f.logged.String())
	}
}

// What a scrape or "nodedns status" costs does not depend on the size of the
// zone. Not parallel: it measures.
func TestStatusOfALargeZoneCostsTheSame(t *testing.T) {
	cost := func(nodes int) (allocations, octets float64) {
		f := prepare(t)
		f.fill(nodes)
		counts := f.Status().Nodes
		if counts.Live < nodes || counts.AddressConflicts < nodes/20 || counts.Quarantined < nodes/10 {
			t.Fatalf("the zone has %+v, want %d nodes", counts, nodes)
		}
		const runs = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		allocations = testing.AllocsPerRun(runs, func() { f.Status() })
		runtime.ReadMemStats(&after)
		return allocations, float64(after.TotalAlloc-before.TotalAlloc) / runs
	}
	few, small := cost(1_000)
	many, large := cost(100_000)
	// The addresses and counts in it are longer texts.
	if many > few+2 || large > 1.2*small {
		t.Errorf("%v allocations and %v octets with 100000 nodes, %v and %v with 1000", many, large, few, small)
	}
}
