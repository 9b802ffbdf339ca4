package resolvconf

import (
	"strings"
	"testing"
)

// Shows resolv.conf(5) ndots.
func TestNdots(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 1, "rotate": 1, "ndots:0": 0, "ndots:5": 5, "ndots:16": 15, "ndots:-1": 1, "ndots:x": 1, "ndots:3 ndots:2": 2,
	} {
		if got := Ndots(strings.Fields(text)); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// Shows RFC 1123 6.1.4.3a, 6.1.4.3b.
// Shows resolv.conf(5) search, ndots.
func TestSpellings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, search string
		ndots        int
		want         string
	}{
		{"www", "", 1, "www"},
		{"www", "a.example b.example", 1, "www.a.example www.b.example www"},
		{"www", "a.example a.example.", 1, "www.a.example www"},
		{"www.x", "a.example b.example", 1, "www.x www.x.a.example www.x.b.example"},
		{"www.x", "a.example", 2, "www.x.a.example www.x"},
		{"www", "a.example", 0, "www www.a.example"},
		{"www", ". a.example", 1, "www www.a.example"},
		{"www", "a.example .", 1, "www.a.example www"},
		{"www.", "a.example", 1, "www"},
	} {
		if got := strings.Join(Spellings(tt.name, strings.Fields(tt.search), tt.ndots), " "); got != tt.want {
			t.Errorf("%s, search %s, ndots %d: got %s, want %s", tt.name, tt.search, tt.ndots, got, tt.want)
		}
	}
}
