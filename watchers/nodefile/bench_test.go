package nodefile

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// benchNodes is how many nodes the files of the benchmarks have: fewer with -short,
// which shows only that they run.
func benchNodes() int {
	if testing.Short() {
		return 1_000
	}
	return 100_000
}

// hostsText and jsonText are a file of so many nodes, each with a second name and
// two addresses; of the one with the number given the IPv4 address is another.
func hostsText(nodes, other int) string {
	var b strings.Builder
	for i := range nodes {
		fmt.Fprintf(&b, "%s node-%d n%d.corp.example\n2001:db8::1:%x:%x node-%d\n", benchAddr(i, other), i, i, i>>16, i&0xffff, i)
	}
	return b.String()
}

// plainText is a file of so many nodes with one name and one address each.
func plainText(nodes, other int) string {
	var b strings.Builder
	for i := range nodes {
		fmt.Fprintf(&b, "%s node-%d\n", benchAddr(i, other), i)
	}
	return b.String()
}

func jsonText(nodes, other int) string {
	var b strings.Builder
	b.WriteString("[")
	for i := range nodes {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n  {\"id\": \"node-%d\", \"names\": [\"n%d.corp.example\"], \"addresses\": [\"%s\", \"2001:db8::1:%x:%x\"]}", i, i, benchAddr(i, other), i>>16, i&0xffff)
	}
	b.WriteString("\n]\n")
	return b.String()
}

func benchAddr(i, other int) string {
	first := 10
	if i == other {
		first = 11
	}
	return fmt.Sprintf("%d.%d.%d.%d", first, i>>16, i>>8&255, i&255)
}

var benchTexts = []struct {
	name string
	text func(nodes, other int) string
}{{"plain.hosts", plainText}, {"nodes.hosts", hostsText}, {"nodes.json", jsonText}}

// BenchmarkLoad is the time from nothing until the zone has all nodes of a file.
func BenchmarkLoad(b *testing.B) {
	for _, format := range benchTexts {
		b.Run(format.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), format.name)
			write(b, path, format.text(benchNodes(), -1))
			b.ReportAllocs()
			for b.Loop() {
				w, store := benchWatcher(b, path)
				w.look(w.paths)
				if got := store.Snapshot().Counts().Live; got != benchNodes()+1 {
					b.Fatalf("%d nodes", got)
				}
			}
		})
	}
}

// BenchmarkChange is the time that one changed line costs.
func BenchmarkChange(b *testing.B) {
	for _, format := range benchTexts {
		b.Run(format.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), format.name)
			texts := []string{format.text(benchNodes(), 1), format.text(benchNodes(), 2)}
			write(b, path, texts[0])
			w, store := benchWatcher(b, path)
			w.look(w.paths)
			for i := 1; b.Loop(); i++ {
				b.StopTimer()
				write(b, path, texts[i%2])
				before := store.Snapshot().Serial()
				b.StartTimer()
				w.look(w.paths)
				if changes := store.Snapshot().Serial() - before; changes != 1 {
					b.Fatalf("%d changes of the zone", changes)
				}
			}
		})
	}
}

// BenchmarkUnchanged is what a look costs where nothing has changed.
func BenchmarkUnchanged(b *testing.B) {
	path := filepath.Join(b.TempDir(), "nodes.hosts")
	write(b, path, hostsText(benchNodes(), -1))
	w, _ := benchWatcher(b, path)
	testkit.EventuallyTrue(b, "the file is old enough to be recognized", func() bool {
		w.look(w.paths)
		return w.files[path].stamp != osfile.Stamp{}
	})
	for b.Loop() {
		w.look(w.paths)
	}
}

func benchWatcher(b testing.TB, path string) (*Watcher, *zone.Store) {
	b.Helper()
	store, err := zone.NewStore(zone.Config{Local: ours})
	if err != nil {
		b.Fatal(err)
	}
	w, err := New(Config{Paths: []string{path}, ID: ours, Prefix: zone.DefaultPrefix}, store.FileSource("files"))
	if err != nil {
		b.Fatal(err)
	}
	w.settle = 0
	return w, store
}
