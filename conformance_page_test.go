package nodedns_test

import (
	"fmt"
	"path/filepath"
	"strings"
)

const conformancePage = "docs/conformance.md"

// conformanceMarkdown makes the page.
func conformanceMarkdown(documents []*document) string {
	var tables strings.Builder
	counts := map[exception]int{}
	tests := map[shown]bool{}
	var deviations []string
	for _, d := range documents {
		fmt.Fprintf(&tables, "\n## %s\n\n%s\n\n| | clause | shown by |\n| --- | --- | --- |\n", d.name, d.title)
		for _, c := range d.clauses {
			if counts[c.kind]++; c.kind == deviation {
				deviations = append(deviations, fmt.Sprintf("[%s](#%s), %s", d.name, slug(d.name), c.key))
			}
			for _, test := range c.tests {
				tests[test] = true
			}
			fmt.Fprintf(&tables, "| %s | %s | %s |\n", d.section(c.key), c.text, c.evidence())
		}
	}
	return fmt.Sprintf(conformanceHead, conformanceTable, len(documents), counts[none]+counts[deviation]+counts[needless],
		counts[none], len(tests), counts[needless], counts[deviation], strings.Join(deviations, "; ")) + tables.String()
}

// conformanceHead is the page above its tables.
const conformanceHead = `# Conformance

<!-- Made of %s and of comments in the tests by go test . -run Conformance -update -->

What the standards demand of a stub resolver and of a forwarder, in our words, and the tests that show that nodedns does it. A test that fails, or is taken away, fails the build; so does a clause that no test names any more. Tests below ` + "`integration`" + ` drive the built daemon from outside.

Left out is what concerns only servers of zones, full recursion and validation. Where a clause looks as if it applied and does not, and where nodedns does something else, the table has the reason.

%d documents have %d clauses: %d are shown, by %d tests, and %d do not apply. From %d nodedns deviates: %s.
`

// section is the key of a clause as the page has it: that of an RFC leads there.
func (d *document) section(key string) string {
	number, isRFC := strings.CutPrefix(d.name, "RFC ")
	if !isRFC {
		return "`" + key + "`"
	}
	section := strings.TrimRight(key, "abcdefghijklmnopqrstuvwxyz")
	kind := "section"
	if section >= "A" {
		kind = "appendix"
	}
	return fmt.Sprintf("[%s](https://www.rfc-editor.org/rfc/rfc%s#%s-%s)", key, number, kind, section)
}

// evidence is the last cell of a clause's row.
func (c *clause) evidence() string {
	var parts []string
	if c.kind != none {
		parts = append(parts, "**"+string(c.kind)+"**: "+c.why)
	}
	for _, by := range c.tests {
		path, _ := filepath.Rel(filepath.Dir(conformancePage), by.file) // both are relative
		parts = append(parts, fmt.Sprintf("[%s](%s)", by.test, filepath.ToSlash(path)))
	}
	return strings.Join(parts, "<br>")
}
