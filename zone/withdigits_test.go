package zone

import (
	"slices"
	"strings"
	"testing"
)

func TestWithDigits(t *testing.T) {
	t.Parallel()
	padded := func(prefix, digits string) string { return prefix + digits + strings.Repeat("0", hexLen-len(digits)) }
	for name, tt := range map[string]struct {
		prefix Prefix
		local  string   // a whole ID
		nodes  []string // hex digits that zeros are added to
		text   string
		want   []string
	}{
		"digits":                     {"metropolis-", "self", []string{"cafe", "cafd", "caff"}, "cafe", []string{"cafe"}},
		"with the prefix":            {"metropolis-", "self", []string{"cafe", "cafd"}, "metropolis-cafe", []string{"cafe"}},
		"in capitals":                {"metropolis-", "self", []string{"cafe", "cafd"}, "Metropolis-CAFE", []string{"cafe"}},
		"several":                    {"metropolis-", "self", []string{"cafe2", "cafe1", "dead"}, "cafe", []string{"cafe1", "cafe2"}},
		"all of them":                {"metropolis-", "self", []string{"cafe1", "cafe2"}, padded("", "cafe1"), []string{"cafe1"}},
		"one more than there can be": {"metropolis-", "self", []string{"cafe"}, padded("", "cafe") + "0", nil},
		"too few":                    {"metropolis-", "self", []string{"cafe"}, "caf", nil},
		"too few with the prefix":    {"metropolis-", "self", []string{"cafe"}, "metropolis-caf", nil},
		"the prefix alone":           {"metropolis-", "self", []string{"cafe"}, "metropolis-", nil},
		"a part of the prefix":       {"metropolis-", "self", []string{"cafe"}, "metr", nil},
		"digits from the middle":     {"metropolis-", "self", []string{"00cafe"}, "cafe", nil},
		"not hex":                    {"metropolis-", "self", []string{"cafe"}, "cafeteria", nil},
		"with a dot":                 {"metropolis-", "self", []string{"cafe"}, "cafe.", nil},
		"nothing":                    {"metropolis-", "self", []string{"cafe"}, "", nil},
		"this machine":               {"metropolis-", padded("metropolis-", "cafe9"), []string{"cafe1"}, "cafe", []string{"cafe9", "cafe1"}},
		"of a free ID none":          {"metropolis-", "metropolis-cafeteria", nil, "metropolis-cafe", nil},
		"of a free ID of digits":     {"metropolis-", "cafe", nil, "cafe", nil},
		"no prefix":                  {"", "self", []string{"cafe"}, "cafe", []string{"cafe"}},
		"a prefix of digits":         {"ab12", "self", []string{"cafe", "ab12cafe"}, "ab12cafe", []string{"cafe", "ab12cafe"}},
		"a prefix of digits, twice":  {"ab12", "self", []string{"ab12ab12"}, "ab12ab12", []string{"ab12ab12"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := NewStore(Config{Local: ID(tt.local), Prefix: &tt.prefix, RetainDeparted: RetainForever})
			if err != nil {
				t.Fatal(err)
			}
			for _, digits := range tt.nodes {
				store.Source("curator").Set(Entry{ID: padded(string(tt.prefix), digits)})
			}
			var got, want []ID
			for n := range store.Snapshot().WithDigits(tt.text) {
				got = append(got, n.ID())
			}
			for _, digits := range tt.want {
				want = append(want, ID(padded(string(tt.prefix), digits)))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// However many nodes there are, a caller that wants a few pays for those only.
func TestWithDigitsStops(t *testing.T) {
	t.Parallel()
	store, err := NewStore(Config{Local: "self", RetainDeparted: RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	store.Source("curator").Set(Entry{ID: testID(1)}, Entry{ID: testID(2)})
	seen := 0
	for range store.Snapshot().WithDigits("0000") {
		seen++
		break
	}
	if seen != 1 {
		t.Errorf("got %d nodes, want one", seen)
	}
}
