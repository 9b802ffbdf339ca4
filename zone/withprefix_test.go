package zone

import (
	"fmt"
	"slices"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

func TestWithPrefix(t *testing.T) {
	t.Parallel()
	id := func(i int) string { return fmt.Sprintf("metropolis-%032x", i) }
	for _, local := range []ID{"free", ID(id(0x300))} {
		store, err := NewStore(Config{Local: local, RetainDeparted: RetainForever})
		if err != nil {
			t.Fatal(err)
		}
		var entries []Entry
		for i := range 0x1000 {
			entries = append(entries, Entry{ID: id(i), Addresses: testkit.Addrs("192.0.2.1")})
		}
		store.Source("curator").Set(entries...)
		snapshot := store.Snapshot()
		for _, text := range []string{
			"", "m", "METROPOLIS-", "metropolis-0", "metropolis-" + id(0)[12:], id(0)[:40], id(0x300)[:41], id(0x3ff), id(0x3ff) + "0",
			id(0xfff)[:41], id(0x1000), "metropolis-x", "metropolis-1", "metropolisx", "f", "free", "freedom", "z",
		} {
			var got, want []ID
			for n := range snapshot.WithPrefix(text) {
				got = append(got, n.ID())
			}
			for n := range snapshot.All() {
				if len(n.ID()) >= len(text) && equalFold(string(n.ID()[:len(text)]), []byte(text)) {
					want = append(want, n.ID())
				}
			}
			if len(got) > 0 && slices.Contains(got, local) && got[0] != local {
				t.Errorf("%q: this machine is not the first", text)
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %q: got %d nodes, want %d", local, text, len(got), len(want))
			}
		}
	}
}

// The key of a free ID is no ID.
func TestWithPrefixOmitsFreeIDs(t *testing.T) {
	t.Parallel()
	store, err := NewStore(Config{Local: "free", RetainDeparted: RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	files := store.FileSource("files")
	for i := range 100 {
		files.Set(Entry{ID: fmt.Sprintf("web-%d", i)})
	}
	for n := range store.Snapshot().WithPrefix("metropolis-") {
		t.Errorf("got %s", n.ID())
	}
}

// However large the zone is, a caller that wants a few nodes pays for those
// only.
func TestWithPrefixStops(t *testing.T) {
	t.Parallel()
	store, err := NewStore(Config{Local: "free", RetainDeparted: RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	store.Source("curator").Set(Entry{ID: fmt.Sprintf("metropolis-%032x", 1)}, Entry{ID: fmt.Sprintf("metropolis-%032x", 2)})
	for range store.Snapshot().WithPrefix("") {
		break
	}
	for n := range store.Snapshot().WithPrefix("metro") {
		if n.ID() != ID(fmt.Sprintf("metropolis-%032x", 1)) {
			t.Errorf("got %s", n.ID())
		}
		break
	}
}
