package hostsformat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// odd are hosts files that readers parse differently.
var odd = map[string]string{
	"usual":              "127.0.0.1 localhost\n::1\tlocalhost ip6-localhost\n192.0.2.1 a.example a\n",
	"no-break space":     "192.0.2.1\u00a0a\n192.0.2.2 b\u00a0c d\n",
	"other white space":  "\v192.0.2.1\fa\vb\r\n192.0.2.2\u2003c\n192.0.2.3\u0085d\n",
	"a scope":            "fe80::1%lo a\nfe80::2 b\n",
	"comments":           "# 192.0.2.1 a\n192.0.2.2 b#c\n192.0.2.3 #d\n192.0.2.4#e\n #\n192.0.2.5 f # g\n",
	"no name":            "192.0.2.1\n192.0.2.1 a\n",
	"no newline":         "192.0.2.1 a\n192.0.2.2 b",
	"NUL":                "192.0.2.1\x00 a\n192.0.2.2 b\x00c d\n\x00192.0.2.3 e\n192.0.2.4 f\n",
	"odd addresses":      "192.0.2.01 a\n192.0.2 b\n0x7f.0.0.1 c\n2001:db8::1:: d\n1:2:3:4:5:6:7:: e\n::1.2.3.4 f\n1:2:3:4:5:6:7:8:: g\n01.2.3.4 h\n:: i\n",
	"mapped":             "::ffff:192.0.2.1 a\n::FFFF:192.0.2.2 b\n",
	"letter case":        "192.0.2.1 A.Example\n192.0.2.2 \u212a\n",
	"a long line":        "192.0.2.1 " + strings.Repeat("x", 5000) + " a " + strings.Repeat("y ", 300) + "z\n192.0.2.2 b\n",
	"blanks and nothing": "\n \n\t\r\n192.0.2.1 a\n",
	"a byte order mark":  "\ufeff192.0.2.1 a\n192.0.2.2 b\n",
}

// text is an entry as getent prints it, but for the spaces.
func text(e Entry) string {
	var b strings.Builder
	b.WriteString(e.Addr.Unmap().String())
	for name := range e.Names() {
		b.WriteString(" " + string(name))
	}
	return b.String()
}

// Shows hosts(5) line, comments.
func TestEntries(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"no-break space":    {"192.0.2.2 b\u00a0c d"},
		"other white space": {"192.0.2.1 a b"},
		"a scope":           {"fe80::2 b"},
		"comments":          {"192.0.2.2 b", "192.0.2.3", "192.0.2.4", "192.0.2.5 f"},
		"no name":           {"192.0.2.1", "192.0.2.1 a"},
		"no newline":        {"192.0.2.1 a", "192.0.2.2 b"},
		"NUL":               {"192.0.2.1", "192.0.2.2 b", "192.0.2.4 f"},
		"odd addresses":     {"1:2:3:4:5:6:7:0 e", "::102:304 f", ":: i"},
		"mapped":            {"192.0.2.1 a", "192.0.2.2 b"},
	} {
		var got []string
		for e := range Entries(1, []byte(odd[name])) {
			got = append(got, text(e))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	var numbers []int
	for e := range Entries(7, []byte("\n192.0.2.1 a\nx\n::1 b")) {
		numbers = append(numbers, e.Line)
	}
	if !slices.Equal(numbers, []int{8, 10}) {
		t.Errorf("lines %v", numbers)
	}
}

func TestParseAddr(t *testing.T) {
	t.Parallel()
	if _, err := ParseAddr([]byte("fe80::1%lo")); !errors.Is(err, ErrScope) {
		t.Errorf("with a scope: %v", err)
	}
	if _, err := ParseAddr([]byte("a")); err == nil || errors.Is(err, ErrScope) {
		t.Errorf("a word: %v", err)
	}
}

// Shows hosts(5) case.
func TestLookup(t *testing.T) {
	const content = "192.0.2.1 a b\n192.0.2.2 B\nnonsense b\nfe80::1%lo b\n192.0.2.3 bb c#b\n192.0.2.4 \u212a\n"
	for name, want := range map[string]string{"B": "[192.0.2.1 192.0.2.2]", "c": "[192.0.2.3]", "k": "[]", "192.0.2.1": "[]"} {
		if got := fmt.Sprint(Lookup([]byte(content), name)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { HasName([]byte("a b"), []byte("b")) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
