package main

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// made are the mutants of a file, as its text from a line on, blanks collapsed.
func made(t *testing.T, text string) (mutants []*mutant, lines []string) {
	t.Helper()
	f := &source{name: "x.go", path: "x.go", text: []byte(text)}
	fset := token.NewFileSet()
	var err error
	if f.ast, err = parser.ParseFile(fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		t.Fatal(err)
	}
	mutants = mutantsOf(fset, f)
	for _, m := range mutants {
		_, after := m.lines()
		lines = append(lines, strings.Join(strings.Fields(after), " "))
	}
	return mutants, lines
}

func TestOperators(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code string
		want       []string
	}{
		{"comparison", "x = a < b", []string{"", "x = a <= b", "x = a >= b"}},
		{"equality", "x := a == b", []string{"x := a != b"}},
		{"both", "x := a && b", []string{"x := a || b", "x := a", "x := b"}},
		{"either", "x := a || b", []string{"x := a && b", "x := a", "x := b"}},
		{"not", "x := !a", []string{"x := a"}},
		{"arithmetic", "x := a + b", []string{"x := a - b"}},
		{"number", "x := 7", []string{"x := (7 + 1)", "x := (7 - 1)"}},
		{"boolean", "x := true", []string{"x := false"}},
		{"call", "a()", []string{""}},
		{"defer", "defer a()", []string{""}},
		{"increment", "x++", []string{"", "x--"}},
		{"sum", "x += a", []string{"", "x -= a"}},
		{"definition", "x := a", nil},
		{"condition", "if a {}", []string{"if false && (a) {}", "if true || (a) {}"}},
		{"end of a turn", "for ; ; x++ {}", nil},
		{"condition of a loop", "for a < b {}", []string{"for a <= b {}", "for a >= b {}"}},
		{"case", "switch a {\ncase b:\n}", []string{""}},
		{"values of a case", "switch a {\ncase b, c, d: return\n}", []string{"", "case c, d: return", "case b, d: return", "case b, c: return"}},
		{"result", "return a, err", []string{"return a, nil"}},
		{"nothing to return", "return a, nil", nil},
		{"function", "_ = func() (int, error) { a(); return a() }", []string{
			"", "_ = func() (int, error) { return *new(int), *new(error); a(); return a() }",
			"_ = func() (int, error) { ; return a() }", "_ = func() (int, error) { a(); return nil }",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// The first statement is a return, so that the function around it adds nothing.
			_, lines := made(t, "package x\n\nfunc f() {\n\treturn\n"+test.code+"\n}\n")
			if !slices.Equal(lines, test.want) {
				t.Errorf("%q, and not %q", lines, test.want)
			}
		})
	}
}

func TestEarlyReturn(t *testing.T) {
	t.Parallel()
	for head, want := range map[string]string{
		"func f()":                  "func f() { return;",
		"func f() error":            "func f() error { return *new(error);",
		"func f() (n int, _ error)": "func f() (n int, _ error) { return;",
	} {
		_, lines := made(t, "package x\n\n"+head+" {\n\tx := a\n}\n")
		if !slices.Equal(lines, []string{want}) {
			t.Errorf("%s: %q", head, lines)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	mutants, _ := made(t, `package x

const limit = 'a'

func f() { a() }

func (s *S[K]) f() { a() }

func (s S) f() {
	go func() {
		a()
	}()
}
`)
	var places []string
	for _, m := range mutants {
		places = append(places, m.place())
	}
	want := []string{
		"x.go:3 limit", "x.go:3 limit", "x.go:5 f", "x.go:5 f", "x.go:7 (*S).f", "x.go:7 (*S).f",
		"x.go:9 S.f", "x.go:10 S.f", "x.go:10 S.f", "x.go:11 S.f",
	}
	if !slices.Equal(places, want) {
		t.Errorf("%q, and not %q", places, want)
	}
}

// What is dropped leaves its lines, so that positions in a test's output are right.
func TestDropKeepsLines(t *testing.T) {
	t.Parallel()
	mutants, _ := made(t, "package x\n\nfunc f() {\n\treturn\n\ta(\n\t\tb,\n\t)\n}\n")
	if len(mutants) != 1 {
		t.Fatalf("%d mutants", len(mutants))
	}
	if got, want := string(mutants[0].text()), "package x\n\nfunc f() {\n\treturn\n\t\n\n\n}\n"; got != want {
		t.Errorf("%q, and not %q", got, want)
	}
	if got, want := mutants[0].diff(), "-\ta(\n-\t\tb,\n-\t)\n+\n"; got != want {
		t.Errorf("%q, and not %q", got, want)
	}
}
