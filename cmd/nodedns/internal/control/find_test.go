package control

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// digits is a node ID whose hex digits begin so.
func digits(begun string) string { return "metropolis-" + begun + strings.Repeat("0", 32-len(begun)) }

// namedZone has nodes with names of the cluster and of a file, among them one
// that two nodes claim, so that none has it.
func namedZone(t *testing.T) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: zone.ID(digits("aaaa")), RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal(testkit.Addrs("192.0.2.1"))
	cluster := store.Source("curator")
	cluster.Expect(true)
	cluster.Begin()
	cluster.Set(
		zone.Entry{ID: digits("cafe1"), Names: []string{"web-1"}, Addresses: testkit.Addrs("192.0.2.11")},
		zone.Entry{ID: digits("cafe2"), Names: []string{"mail"}, Addresses: testkit.Addrs("192.0.2.12")},
		zone.Entry{ID: digits("dead"), Names: []string{"mail"}, Addresses: testkit.Addrs("192.0.2.13")},
	)
	cluster.Complete()
	files := store.FileSource("files")
	files.Begin()
	files.Set(
		zone.Entry{ID: "db", Names: []string{"db.example"}, Addresses: testkit.Addrs("192.0.2.21")},
		zone.Entry{ID: "cafe", Addresses: testkit.Addrs("192.0.2.22")},
		zone.Entry{ID: digits("cafe1"), Names: []string{"beef"}},
	)
	files.Complete()
	return store
}

func TestFind(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{Snapshot: namedZone(t).Snapshot}))
	for name, tt := range map[string]struct {
		text, by string
		want     []string
	}{
		"an ID":                     {digits("cafe1"), ByID, []string{digits("cafe1")}},
		"in capitals":               {strings.ToUpper(digits("cafe1")), ByID, []string{digits("cafe1")}},
		"our own":                   {digits("aaaa"), ByID, []string{digits("aaaa")}},
		"a name of the cluster":     {"Web-1", ByName, []string{digits("cafe1")}},
		"a name of a file":          {"db.example", ByName, []string{"db"}},
		"one that two nodes claim":  {"mail", ByName, []string{digits("cafe2"), digits("dead")}},
		"a name that is hex digits": {"cafe", ByName, []string{"cafe"}},
		"that stands before others": {"beef", ByName, []string{digits("cafe1")}},
		"digits":                    {"dead", ByDigits, []string{digits("dead")}},
		"with the prefix":           {"metropolis-cafe1", ByDigits, []string{digits("cafe1")}},
		"those of two nodes":        {"metropolis-cafe", ByDigits, []string{digits("cafe1"), digits("cafe2")}},
		"our own digits":            {"aaaa00", ByDigits, []string{digits("aaaa")}},
		"no node's":                 {"facade", "", []string{}},
		"the beginning of a name":   {"web", "", []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := client.Find(t.Context(), tt.text)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, n := range found.Nodes {
				got = append(got, n.ID)
			}
			slices.Sort(got)
			if found.By != tt.by || !slices.Equal(got, tt.want) || found.More {
				t.Errorf("got %q %v, want %q %v", found.By, got, tt.by, tt.want)
			}
		})
	}
	if _, err := client.Find(t.Context(), ""); err == nil {
		t.Error("an empty text is taken")
	}
}

// However many nodes a text may mean, a bounded number is sent.
func TestFindIsBounded(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{Snapshot: sampleZone(t, 2*MaxFound).Snapshot}))
	found, err := client.Find(t.Context(), "0000")
	if err != nil || found.By != ByDigits || len(found.Nodes) != MaxFound || !found.More {
		t.Errorf("got %q, %d nodes, more %t, %v", found.By, len(found.Nodes), found.More, err)
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	few := serve(t, Handler(Daemon{Snapshot: namedZone(t).Snapshot}))
	for typed, want := range map[string][]string{
		"":                 {"beef", "cafe", "db", "db.example", digits("aaaa"), digits("cafe1"), digits("cafe2"), digits("dead"), "web-1"},
		"d":                {"db", "db.example"},
		"DB.":              {"db.example"},
		"cafe":             {"cafe", digits("cafe1")[11:], digits("cafe2")[11:]},
		"metropolis-cafe":  {digits("cafe1"), digits("cafe2")},
		"mail":             {}, // none has it
		"www.example.com":  {},
		"metropolis-cafe3": {},
	} {
		got, err := few.Complete(t.Context(), typed)
		if err != nil || got.Partial || !slices.Equal(wordsOf(got), want) {
			t.Errorf("%q: got %q, partial %t, %v; want %q", typed, wordsOf(got), got.Partial, err, want)
		}
	}
	got, err := few.Complete(t.Context(), "web")
	if want := []Completion{{"web-1", digits("cafe1") + " beef 192.0.2.11"}}; err != nil || !slices.Equal(got.Words, want) {
		t.Errorf("got %+v, %v, want %+v", got.Words, err, want)
	}
}

// Of many words of a kind it is how they go on; a few of another kind are whole.
func TestCompleteMany(t *testing.T) {
	t.Parallel()
	store := sampleZone(t, 2*maxWords)
	files := store.FileSource("files")
	for i := range 2 * maxWords {
		files.Set(zone.Entry{ID: fmt.Sprintf("web-%d", i+1)})
	}
	files.Set(zone.Entry{ID: "db"}, zone.Entry{ID: "web"})
	client := serve(t, Handler(Daemon{Snapshot: store.Snapshot}))
	for typed, want := range map[string][]string{
		"metropolis-": {"metropolis-0"},
		"0000":        {"00000"},
		"w":           {"web", "web-"},
		"web-1":       {"web-1", "web-10", "web-11", "web-12", "web-13", "web-14", "web-15", "web-16", "web-17", "web-18", "web-19"},
	} {
		got, err := client.Complete(t.Context(), typed)
		if err != nil || !got.Partial || !slices.Equal(wordsOf(got), want) {
			t.Errorf("%q: got %q, partial %t, %v; want %q", typed, wordsOf(got), got.Partial, err, want)
		}
	}
}

func wordsOf(c Completions) []string {
	words := []string{}
	for _, w := range c.Words {
		words = append(words, w.Word)
	}
	return words
}
