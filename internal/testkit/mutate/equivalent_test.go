package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEquivalentOfThisMutant(t *testing.T) {
	t.Parallel()
	mutants, _ := made(t, "package x\n\nfunc f() {\n\treturn\n\ta()\n\tb()\n}\n")
	known, err := parseEquivalents("x.go:5 f\n-\n-   a()\n+\nIt matters\nto no caller.\n")
	if err != nil {
		t.Fatal(err)
	}
	rest, listed := known.without(mutants)
	if listed != 1 || len(rest) != 1 || rest[0].diff() != "-\tb()\n+\n" {
		t.Errorf("%d listed, left %v", listed, rest)
	}
	if reason := known.entries[0].reason; reason != "It matters\nto no caller.\n" {
		t.Errorf("reason %q", reason)
	}
}

func TestBadEquivalents(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"x.go f\n-a()\n+b()\n":                                   "1: an entry has",
		"x.go\n-a()\n+b()\nReason.\n":                            "1: an entry has",
		"x.go f\nReason.\n":                                      "1: an entry has",
		"x.go f\n-a()\n+\nOnce.\n\nx.go f\n- a()\n+\nTwice.\n\n": "6: the entry of line 1 again",
	} {
		if _, err := parseEquivalents(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, and not %q", list, err, want)
		}
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	packages, err := load(t.Context(), tinyModule(t), []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]int{"equivalent.txt": 0, "stale.txt": 1, "none.txt": 0} {
		known, err := readEquivalents(packages[0].Module.Dir, list)
		if err != nil {
			t.Fatal(err)
		}
		if stale := known.stale(packages); len(stale) != want {
			t.Errorf("%s: %d stale, and not %d", list, len(stale), want)
		}
	}
}

// Each entry of the project's list fits a mutant of the code as it is.
func TestListFits(t *testing.T) {
	t.Parallel()
	module := filepath.Join("..", "..", "..")
	known, err := readEquivalents(module, "internal/testkit/mutate/equivalent.txt")
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for _, e := range known.entries {
		patterns = append(patterns, "./"+filepath.Dir(e.file))
	}
	if len(patterns) == 0 {
		return
	}
	slices.Sort(patterns)
	packages, err := load(t.Context(), module, slices.Compact(patterns))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range known.stale(packages) {
		t.Errorf("equivalent.txt:%d: no mutant of %s is this one any more", e.line, e.place())
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	order := func(seed uint64, importPath string) string {
		mutants, _ := made(t, "package x\n\nvar v = []int{1, 2, 3, 4, 5, 6, 7, 8}\n")
		shuffle(mutants, seed, importPath)
		var all strings.Builder
		for _, m := range mutants {
			all.WriteString(m.diff())
		}
		return all.String()
	}
	first := order(1, "a")
	if first != order(1, "a") {
		t.Error("one seed, two samples")
	}
	if first == order(2, "a") || first == order(1, "b") {
		t.Error("the seed or the package does not matter")
	}
}

func TestCompiles(t *testing.T) {
	t.Parallel()
	packages, err := load(t.Context(), tinyModule(t), []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	mutants, err := packages[0].mutants()
	if err != nil {
		t.Fatal(err)
	}
	var compiling []string
	for _, m := range mutants {
		if packages[0].compiles(m) {
			compiling = append(compiling, m.with)
		}
	}
	if len(mutants) != 3 || !slices.Equal(compiling, []string{"<=", ">="}) {
		t.Errorf("of %d mutants %q compile: false is not nil", len(mutants), compiling)
	}
}
