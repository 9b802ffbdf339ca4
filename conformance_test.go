package nodedns_test

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// conformanceTable has the clauses, in a form that its head describes.
const conformanceTable = "testdata/conformance.txt"

// document is what nodedns conforms to: an RFC, or a page of a manual.
type document struct {
	name, title string
	clauses     []*clause
}

// clause is what a document demands of a stub resolver or a forwarder.
type clause struct {
	key, text string
	kind      exception
	why       string // of an exception
	tests     []shown
}

// exception is why no test has to show a clause.
type exception string

const (
	none      exception = ""
	needless  exception = "does not apply"
	deviation exception = "deviates"
)

// shown is a test that shows a clause.
type shown struct{ file, test string }

// Each clause of the table that applies is shown by a test, which has its key in a
// comment, and the page has what both say. It is not parallel, as it may write what
// other tests read.
func TestConformance(t *testing.T) {
	file, err := os.Open(conformanceTable)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	documents, err := parseConformance(file)
	if err != nil {
		t.Fatalf("%s: %v", conformanceTable, err)
	}
	for _, name := range goFiles(t) {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		if err := readTags(name, nil, documents); err != nil {
			t.Error(err)
		}
	}
	for _, d := range documents {
		for _, c := range d.clauses {
			if err := c.check(); err != nil {
				t.Errorf("%s %s (%s): %v", d.name, c.key, c.text, err)
			}
		}
	}
	want := conformanceMarkdown(documents)
	// The flag is of the tests within the package, which are in the same binary.
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(conformancePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(conformancePage); err != nil || string(got) != want {
		t.Errorf("%s is not up to date: run go test . -run Conformance -update (%v)", conformancePage, err)
	}
}

func (c *clause) check() error {
	switch {
	case c.kind == none && len(c.tests) == 0:
		return errors.New("no test shows it")
	case c.kind == needless && len(c.tests) > 0:
		return fmt.Errorf("it does not apply, but %s shows it", c.tests[0].test)
	}
	return nil
}

// parseConformance reads the table.
func parseConformance(table io.Reader) (documents []*document, err error) {
	var d *document
	var c *clause
	lines := bufio.NewScanner(table)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		invalid := func(what string) ([]*document, error) { return nil, fmt.Errorf("line %d: %s: %q", number, what, line) }
		name, isDocument := strings.CutPrefix(line, "== ")
		reason, isReason := strings.CutPrefix(line, "\t")
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case isDocument:
			name, title, ok := strings.Cut(name, ": ")
			if !ok || find(documents, name) != nil {
				return invalid("want a document's name and title, once")
			}
			d, c = &document{name: name, title: title}, nil
			documents = append(documents, d)
		case isReason:
			kind, why, ok := strings.Cut(reason, ": ")
			if c == nil || c.kind != none || !ok || kind != string(needless) && kind != string(deviation) {
				return invalid("want a reason after a clause")
			}
			c.kind, c.why = exception(kind), why
		default:
			key, text, ok := strings.Cut(line, " ")
			if !ok || d == nil || d.clause(key) != nil {
				return invalid("want a key and a clause, once")
			}
			c = &clause{key: key, text: strings.TrimSpace(text)}
			d.clauses = append(d.clauses, c)
		}
	}
	return documents, lines.Err()
}

func find(documents []*document, name string) *document {
	i := slices.IndexFunc(documents, func(d *document) bool { return d.name == name })
	if i < 0 {
		return nil
	}
	return documents[i]
}

func (d *document) clause(key string) *clause {
	i := slices.IndexFunc(d.clauses, func(c *clause) bool { return c.key == key })
	if i < 0 {
		return nil
	}
	return d.clauses[i]
}

// tag matches a line of a comment that says what a test shows: a document, and the
// keys of its clauses.
var tag = regexp.MustCompile(`^// Shows (RFC \d+|[\w.-]+(?:\(\d\))?) ([\w.-]+(?:, [\w.-]+)*)\.$`)

// readTags adds the tests of a file to the clauses that they show. The source is the
// file's unless it is given.
func readTags(name string, source any, documents []*document) error {
	fileSet := token.NewFileSet()
	file, err := parser.ParseFile(fileSet, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if !strings.HasPrefix(comment.Text, "// Shows ") {
				continue
			}
			invalid := func(what string) error {
				return fmt.Errorf("%v: %s: %s", fileSet.Position(comment.Pos()), what, comment.Text)
			}
			match := tag.FindStringSubmatch(comment.Text)
			test := testAround(file, comment)
			if match == nil || test == "" {
				return invalid(`want "// Shows DOCUMENT KEY, KEY." at or in a test`)
			}
			d := find(documents, match[1])
			if d == nil {
				return invalid(conformanceTable + " lacks the document")
			}
			for key := range strings.SplitSeq(match[2], ", ") {
				c := d.clause(key)
				if c == nil {
					return invalid(conformanceTable + " lacks the clause " + key)
				}
				if by := (shown{name, test}); !slices.Contains(c.tests, by) {
					c.tests = append(c.tests, by)
				}
			}
		}
	}
	return nil
}

// testAround is the name of the test that a comment describes or is in, or empty.
func testAround(file *ast.File, comment *ast.Comment) string {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		begin := f.Pos()
		if f.Doc != nil {
			begin = f.Doc.Pos()
		}
		if begin <= comment.Pos() && comment.Pos() < f.End() {
			return f.Name.Name
		}
	}
	return ""
}

// What is wrong with a table or a comment is an error.
func TestConformanceRefuses(t *testing.T) {
	t.Parallel()
	const good = "== RFC 1: one\n1.2 text\n3a other\n\tdeviates: so\n== hosts(5): two\nalias text\n"
	for name, table := range map[string]string{
		"a clause of no document": "1 text\n",
		"a key alone":             good + "1\n",
		"a key twice":             good + "alias again\n",
		"a document twice":        good + "== RFC 1: one\n",
		"no title":                good + "== RFC 2\n",
		"a reason of no clause":   "== RFC 1: one\n\tdeviates: so\n",
		"two reasons":             good[:len(good)-len("alias text\n")] + "9 text\n\tdeviates: so\n\tdeviates: so\n",
		"a reason of no kind":     good + "\tbecause: so\n",
	} {
		if _, err := parseConformance(strings.NewReader(table)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	const test = "\nfunc TestIt(*testing.T) {}\n"
	for source, fails := range map[string]bool{
		"// It does.\n// Shows RFC 1 1.2, 3a.\n// Shows hosts(5) alias." + test: false,
		"func TestIt(*testing.T) {\n\t// Shows RFC 1 1.2.\n}\n":                 false,
		"// Shows RFC 1 1.3." + test:                                            true,
		"// Shows RFC 2 1." + test:                                              true,
		"// Shows hosts alias." + test:                                          true,
		"// Shows RFC 1 1.2" + test:                                             true,
		"// Shows RFC 1: 1.2." + test:                                           true,
		"// Shows RFC 1 1.2.\nfunc helper() {}\n" + test:                        true,
		"// Shows RFC 1 1.2.\n" + test:                                          true,
	} {
		documents, err := parseConformance(strings.NewReader(good))
		if err != nil {
			t.Fatal(err)
		}
		err = readTags("it_test.go", "package it\n\n"+source, documents)
		if (err != nil) != fails || !fails && (documents[0].clauses[0].check() != nil || documents[0].clauses[0].tests[0] != shown{"it_test.go", "TestIt"}) {
			t.Errorf("%q: %v", source, err)
		}
	}
	for _, c := range []clause{{kind: none}, {kind: needless, tests: []shown{{}}}} {
		if c.check() == nil {
			t.Errorf("%+v: accepted", c)
		}
	}
}
