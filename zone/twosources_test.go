package zone

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// twoSources is a fixture with a second source beside the curator, both expected.
func twoSources(t *testing.T) (*fixture, *Source) {
	f := newFixture(t)
	f.curator.Expect(true)
	other := f.Source("other")
	other.Expect(true)
	return f, other
}

func backlogOf(src *Source, entries ...Entry) {
	src.Begin()
	src.Set(entries...)
	src.Complete()
}

// What one source does leaves the other's nodes alone, whichever of them outranks
// the other.
func TestSourcesLeaveEachOthersNodesAlone(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(src *Source){
		"a backlog without them": func(src *Source) { backlogOf(src, node(b, "192.0.2.2")) },
		"a backlog that is open": func(src *Source) { src.Begin(); src.Set(node(b)) },
		"a tombstone":            func(src *Source) { src.Gone(a) },
		"another cluster":        func(src *Source) { src.SetCluster("x"); src.SetCluster("y") },
		"its end":                func(src *Source) { src.SetConnected(true); src.SetConnected(false) },
		"an empty backlog":       func(src *Source) { src.Begin(); src.Complete() },
	} {
		for _, swapped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", name, swapped), func(t *testing.T) {
				t.Parallel()
				f, other := twoSources(t)
				has, does := f.curator, other
				if swapped {
					has, does = other, f.curator
				}
				has.SetCluster("mine")
				backlogOf(has, node(a, "192.0.2.1"))
				backlogOf(does, node(c, "192.0.2.3"))
				do(does)
				f.want(a, "192.0.2.1")
				f.wantDeparted(a, false)
			})
		}
	}
}

// A node that two sources report departs when the last of them drops it.
func TestNodeOfTwoSourcesDepartsWithTheLast(t *testing.T) {
	t.Parallel()
	drops := map[string]func(src *Source){
		"gone":     func(src *Source) { src.Gone(a) },
		"absent":   func(src *Source) { backlogOf(src, node(b)) },
		"clusters": func(src *Source) { src.SetCluster("y") },
	}
	for name, drop := range drops {
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			t.Run(fmt.Sprint(name, order), func(t *testing.T) {
				t.Parallel()
				f, other := twoSources(t)
				sources, addrs := []*Source{f.curator, other}, []string{"192.0.2.1", "192.0.2.2"}
				for i, src := range sources {
					src.SetCluster("x")
					backlogOf(src, node(a, addrs[i]), node(b))
				}
				f.want(a, addrs[0])
				drop(sources[order[0]])
				f.want(a, addrs[order[1]])
				f.wantDeparted(a, false)
				drop(sources[order[1]])
				if name == "clusters" {
					f.want(a, "")
					return
				}
				f.wantDeparted(a, true)
				sources[order[0]].Set(node(a, "192.0.2.9"))
				f.wantDeparted(a, false)
				f.want(a, "192.0.2.9")
			})
		}
	}
}

// An unknown name is denied when each expected source has completed a backlog.
func TestReadyWithTwoSources(t *testing.T) {
	t.Parallel()
	f, other := twoSources(t)
	f.setLocal("192.0.2.7")
	ready := func(want bool) {
		t.Helper()
		if s := f.Snapshot(); s.Ready() != want || s.Cluster().Complete != want {
			t.Errorf("ready %t, cluster %+v, want %t", s.Ready(), s.Cluster(), want)
		}
	}
	backlogOf(f.curator, node(a))
	ready(false)
	other.Begin()
	other.Set(node(b))
	ready(false)
	other.Complete()
	ready(true)
	f.curator.SetCluster("x")
	f.curator.SetCluster("y")
	ready(false)
	f.curator.Expect(false)
	ready(true)
}

// What was saved may be of any source, and departs when none is awaited.
func TestSavedNodesWaitForEachExpectedSource(t *testing.T) {
	t.Parallel()
	f, other := twoSources(t)
	f.Saved().SetCluster("x")
	f.Saved().Set(node(a, "192.0.2.1"), node(b, "192.0.2.2"), node(c, "192.0.2.3"))
	f.Saved().Loaded(f.wall)
	other.SetCluster("z")
	f.want(a, "192.0.2.1")
	if id := f.Snapshot().Cluster().ID; id != "x" {
		t.Errorf("the cluster is %q, want that of what was saved", id)
	}
	f.curator.SetCluster("x")
	backlogOf(f.curator, node(a, "192.0.2.1"), node(c, "127.0.0.1"))
	f.curator.Gone(b)
	f.wantDeparted(b, false)
	backlogOf(other, node(testID(0xd)))
	f.wantDeparted(a, false)
	f.wantDeparted(b, true)
	f.wantDeparted(c, false) // the curator has it, if with an invalid entry
	f.curator.SetCluster("y")
	f.want(a, "")
	f.want(c, "")
	f.want(testID(0xd), "-")
}

// The cluster is lost since the first of the expected sources is, and dates from
// the earliest backlog.
func TestClusterOfTwoSources(t *testing.T) {
	t.Parallel()
	f, other := twoSources(t)
	for _, src := range []*Source{f.curator, other} {
		src.SetConnected(true)
		backlogOf(src, node(a))
		f.pass(time.Minute)
	}
	start := f.wall.Add(-2 * time.Minute)
	if got := f.Snapshot().Cluster(); !got.Connected || !got.DataSince.Equal(start) {
		t.Errorf("%+v, want connected, and data of %v", got, start)
	}
	other.SetConnected(false)
	lost := f.wall
	f.pass(time.Minute)
	f.curator.SetConnected(false)
	f.pass(time.Minute)
	f.curator.SetConnected(true)
	if got := f.Snapshot().Cluster(); got.Connected || !got.LostAt.Equal(lost) {
		t.Errorf("%+v, want lost at %v", got, lost)
	}
	if _, stale := f.Snapshot().ClusterLost(f.boot); !stale {
		t.Error("the loss of one source for two minutes is not reported")
	}
}

// A report on our own node by a second source is no sign of another machine, and
// its refusals end with its own backlogs.
func TestSourcesKeepReportsAndRefusalsApart(t *testing.T) {
	t.Parallel()
	f, other := twoSources(t)
	backlogOf(f.curator, Entry{ID: self, BootID: "00000000-0000-0000-0000-000000000001"}, node("bogus"))
	backlogOf(other, Entry{ID: self, BootID: "00000000-0000-0000-0000-000000000002"})
	if d, found := f.Snapshot().DuplicateKey(); found {
		t.Errorf("found %+v", d)
	}
	if n := f.Snapshot().Counts().Quarantined; n != 1 {
		t.Errorf("%d refusals, want the curator's", n)
	}
}

// A bad entry of one source takes nothing back that another one reported.
func TestBadEntryLeavesTheOtherSourcesNode(t *testing.T) {
	t.Parallel()
	f, other := twoSources(t)
	f.setLocal("192.0.2.7")
	other.Set(node(a, "192.0.2.7"))
	f.curator.Set(node(a, "127.0.0.1"))
	f.setLocal("192.0.2.8")
	f.want(a, "192.0.2.7")
}

// A saved node of which a source has only reported what is refused stays, whatever
// another source reports of it, until that one drops it too.
func TestSavedNodeThatASourceKnowsBadlyStays(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]func(f *fixture, other *Source){
		"tombstone": func(f *fixture, other *Source) {
			backlogOf(f.curator, node(a, "127.0.0.1"), node(b))
			backlogOf(other, node(a, "127.0.0.1"), node(c))
			other.Gone(a)
		},
		"reported after a backlog": func(f *fixture, other *Source) {
			backlogOf(f.curator, node(b))
			f.curator.Set(node(a, "127.0.0.1"))
			backlogOf(other, node(c))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, other := twoSources(t)
			f.Saved().Set(node(a, "192.0.2.1"))
			f.Saved().Loaded(f.wall)
			drop(f, other)
			f.want(a, "192.0.2.1")
			f.wantDeparted(a, false)
			f.curator.Gone(a)
			f.wantDeparted(a, true)
		})
	}
}

// A source keeps its spelling of a node for as long as it reports it, and may
// spell it differently when it reports it again.
func TestSpellingOfTwoSources(t *testing.T) {
	t.Parallel()
	odd := strings.ToUpper(a)
	for name, drop := range map[string]func(f *fixture){
		"another cluster": func(f *fixture) { f.curator.SetCluster("x"); f.curator.SetCluster("y") },
		"a tombstone":     func(f *fixture) { f.curator.Gone(a) },
	} {
		f, other := twoSources(t)
		f.curator.Set(node(a, "192.0.2.1"))
		other.Set(node(odd, "192.0.2.2"))
		drop(f)
		f.want(a, "192.0.2.2")
		other.Set(node(odd, "192.0.2.3"))
		if f.want(a, "192.0.2.3"); t.Failed() {
			t.Fatal(name)
		}
		f.curator.Set(node(a, "192.0.2.1"))
		backlogOf(other, node(b))
		other.Set(node(a, "192.0.2.4"))
		f.curator.Gone(a)
		if f.want(a, "192.0.2.4"); t.Failed() {
			t.Fatal(name)
		}
	}
}

// model is what the sources report, with nothing merged.
type model struct {
	live [2]map[string]string // addresses by node
	left map[string]int       // departed nodes, by the source that dropped them last
}

func (m *model) set(i int, id, addr string) {
	m.live[i][id] = addr
	delete(m.left, id)
}

func (m *model) drop(i int, id string) {
	if _, known := m.live[i][id]; !known {
		return
	}
	delete(m.live[i], id)
	if _, known := m.live[1-i][id]; !known {
		m.left[id] = i
	}
}

func (m *model) forget(i int) {
	clear(m.live[i])
	maps.DeleteFunc(m.left, func(_ string, by int) bool { return by == i })
}

// TestTwoSourcesAgreeWithAModel makes random changes by two sources and compares
// the zone with what follows from the statements of each.
func TestTwoSourcesAgreeWithAModel(t *testing.T) {
	t.Parallel()
	f, other := twoSources(t)
	sources := []*Source{f.curator, other}
	m := model{live: [2]map[string]string{{}, {}}, left: map[string]int{}}
	named := [2]map[string]bool{}
	for _, src := range sources {
		src.SetCluster("first")
	}
	r := rand.New(rand.NewPCG(5, 6))
	for step := range 5000 {
		i := r.IntN(2)
		src, id := sources[i], testID(1+r.IntN(8))
		before := f.Snapshot()
		switch r.IntN(40) {
		case 0:
			src.SetCluster(fmt.Sprint(step))
			m.forget(i)
			if named[i] != nil {
				named[i] = map[string]bool{}
			}
		case 1, 2, 3:
			src.Begin()
			named[i] = map[string]bool{}
		case 4, 5, 6:
			src.Complete()
			if len(named[i]) > 0 {
				for id := range maps.Clone(m.live[i]) {
					if !named[i][id] {
						m.drop(i, id)
					}
				}
				named[i] = nil
			}
		case 7, 8, 9, 10, 11:
			src.Gone(id)
			m.drop(i, id)
		default:
			addr := fmt.Sprintf("192.0.2.%d", 1+r.IntN(200))
			src.Set(node(id, addr))
			m.set(i, id, addr)
			if named[i] != nil {
				named[i][id] = true
			}
		}
		f.checkDerived(before)
		all := map[string]bool{}
		for i := range 2 {
			for id, addr := range m.live[1-i] { // the first one last, which outranks the other
				all[id] = true
				f.wantDeparted(id, false)
				if _, outranked := m.live[0][id]; !outranked || i == 1 {
					f.want(id, addr)
				}
			}
		}
		for id := range m.left {
			all[id] = true
			f.wantDeparted(id, true)
		}
		if n := len(ids(f.Snapshot())) - 1; n != len(all) {
			t.Errorf("%d nodes, want %d", n, len(all))
		}
		if t.Failed() {
			t.Fatalf("at step %d", step)
		}
	}
}

// A layer is that of its name, and their number is bounded.
func TestSourcesByName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.Source("a")
	if f.Source("a") != first || f.Source("b") == first || f.Source(SavedSource) != f.Saved() {
		t.Error("a name does not lead to its own layer")
	}
	last := first
	for i := range 300 {
		last = f.Source(fmt.Sprint("layer ", i))
	}
	if last == first || f.Source("one more") != last || f.Source("a") != first {
		t.Error("the 300th name has an earlier one's layer")
	}
}
