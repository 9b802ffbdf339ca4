package zone

import (
	"slices"
	"testing"
)

func TestNamesWithPrefix(t *testing.T) {
	t.Parallel()
	store, err := NewStore(Config{Local: ID(testID(0)), RetainDeparted: RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	cluster := store.Source("curator")
	cluster.Begin()
	cluster.Set(
		Entry{ID: testID(1), Names: []string{"web-1"}}, Entry{ID: testID(2), Names: []string{"web-2"}},
		Entry{ID: testID(3), Names: []string{"mail"}}, Entry{ID: testID(4), Names: []string{"mail"}},
	)
	cluster.Complete()
	store.FileSource("files").Set(
		Entry{ID: testID(0), Names: []string{"self", "web-0"}},
		Entry{ID: testID(1), Names: []string{"www.example", "web.example"}},
		Entry{ID: "web", Names: []string{"db"}},
		Entry{ID: testID(5), Names: []string{"mail.example"}},
	)
	snapshot := store.Snapshot()
	for text, want := range map[string][]string{
		"":        {"db", "mail.example", "self", "web", "web-0", "web-1", "web-2", "web.example", "www.example"},
		"web":     {"web", "web-0", "web-1", "web-2", "web.example"},
		"web-":    {"web-0", "web-1", "web-2"},
		"web-1":   {"web-1"},
		"web-10":  nil,
		"mail":    {"mail.example"},
		"example": nil,
	} {
		if got := slices.Sorted(snapshot.NamesWithPrefix(text)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := snapshot.CountNames(); got != 11 {
		t.Errorf("got %d names, want 11 with the contested one twice", got)
	}
	for range snapshot.NamesWithPrefix("") { // a caller may stop
		break
	}
}
