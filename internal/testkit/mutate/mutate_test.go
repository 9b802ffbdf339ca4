package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain makes the test binary what /proc/self/exe is in a run.
func TestMain(m *testing.M) {
	if os.Getenv(sandboxVar) != "" {
		os.Exit(sandboxed(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// tinyFiles are a module with a boundary that its test does not look at, and lists
// of equivalent mutants.
var tinyFiles = map[string]string{
	"go.mod":  "module tiny\n\ngo 1.26\n",
	"tiny.go": "package tiny\n\nfunc less(a, b string) bool { return a < b }\n",
	"tiny_test.go": `package tiny

import "testing"

func TestLess(t *testing.T) {
	if !less("a", "b") || less("b", "a") {
		t.Fatal("a is before b")
	}
}
`,
	"equivalent.txt": `# Lines like this one are skipped.

tiny.go:3 less
-func less(a, b string) bool { return a < b }
+func less(a, b string) bool { return a <= b }
No two are equal, say.
`,
	"stale.txt": `tiny.go less
-func less(a, b string) bool { return a > b }
+func less(a, b string) bool { return a >= b }
This was once so.
`,
}

// tinyModule returns the directory of the module.
func tinyModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range tinyFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func tiny(t *testing.T, equivalents string) options {
	t.Helper()
	return options{dir: tinyModule(t), patterns: []string{"."}, count: 5, seed: 1, equivalents: equivalents}
}

func TestMutate(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	o := tiny(t, "none.txt")
	o.least = 51
	var out strings.Builder
	err := mutate(t.Context(), o, &out)
	if err == nil || !strings.Contains(err.Error(), "50 % killed, and not 51") {
		t.Errorf("error %v of a package half of whose mutants survive", err)
	}
	for _, want := range []string{
		"seed 1\n",
		"survived: tiny.go:3 less\n-func less(a, b string) bool { return a < b }\n+func less(a, b string) bool { return a <= b }\n",
		".: 2 mutants, 1 killed (0 by time), 1 survived, 0 did not compile, 0 listed as equivalent; 50 %",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestMutateLeavesOutListed(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	o := tiny(t, "equivalent.txt")
	o.least = 100
	var out strings.Builder
	if err := mutate(t.Context(), o, &out); err != nil {
		t.Error(err)
	}
	if want := ".: 1 mutants, 1 killed (0 by time), 0 survived, 0 did not compile, 1 listed as equivalent; 100 %"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in:\n%s", want, out.String())
	}
}

// It needs no sandbox: nothing is run.
func TestListOnly(t *testing.T) {
	t.Parallel()
	o := tiny(t, "stale.txt")
	o.list, o.count = true, 1
	var out strings.Builder
	if err := mutate(t.Context(), o, &out); err == nil || !strings.Contains(err.Error(), "stale.txt:1: no mutant of tiny.go less is this one any more") {
		t.Errorf("error %v of a list that fits no more", err)
	}
	if n := strings.Count(out.String(), "not tested: tiny.go:3 less\n"); n != 1 {
		t.Errorf("%d mutants, and not one, in:\n%s", n, out.String())
	}
}

func TestMutateWithoutPackages(t *testing.T) {
	t.Parallel()
	if err := mutate(t.Context(), options{dir: "."}, &strings.Builder{}); err == nil || !strings.Contains(err.Error(), "name the packages") {
		t.Errorf("error %v", err)
	}
}
