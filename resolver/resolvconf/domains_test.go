package resolvconf

import (
	"slices"
	"strings"
	"testing"
)

func TestDomains(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	long := strings.Repeat(label+".", 3)
	for name, c := range map[string]struct{ search, want string }{
		"a usual list":       {"corp.example lab.example", "corp.example lab.example"},
		"the root":           {".", ""},
		"the root beside":    {". corp.example", "corp.example"},
		"dots around":        {".corp.example. lab.example.", "corp.example lab.example"},
		"twice":              {"corp.example Corp.Example corp.example.", "corp.example"},
		"empty labels":       {"a..b .. ... corp.example", "corp.example"},
		"addresses":          {"192.0.2.1 2001:db8::1 fe80::1%eth0 10", ""},
		"a number in front":  {"10.example", "10.example"},
		"of a service":       {"_msdcs.corp.example", "_msdcs.corp.example"},
		"a label too long":   {label + "a.example " + label + ".example", label + ".example"},
		"a name too long":    {long + label + " " + long + label[2:], long + label[2:]},
		"control characters": {"a\x1b[31m.example b\x00.example \x7f corp.example", "corp.example"},
		"not in ASCII":       {"b\u00fccher.example xn--bcher-kva.example", "xn--bcher-kva.example"},
		"a comment":          {"corp.example # lab", "corp.example lab"},
		"more than six":      {"a b c d e f g h", "a b c d e f g h"},
	} {
		got := domains(strings.Fields(c.search))
		if got == nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if domains(nil) != nil {
		t.Error("a list that is not there is one")
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	if got := printable([]string{"ndots:2", "rot\x1bate", "\u00e9dns0", "edns0"}); !slices.Equal(got, []string{"ndots:2", "edns0"}) {
		t.Errorf("options %q", got)
	}
}
