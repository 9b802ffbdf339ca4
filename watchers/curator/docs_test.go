package curator

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the documentation's diagram anew")

// The page on the cluster has the table of states, and a diagram of it.
func TestDocumentedStates(t *testing.T) {
	t.Parallel()
	const page, begin, end = "../../docs/cluster.md", " -update -->\n", "<!-- END states -->"
	content, err := os.ReadFile(page)
	must(t, err)
	before, rest, found := strings.Cut(string(content), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks the marks of the states", page)
	}
	want := documentStates()
	if *update {
		must(t, os.WriteFile(page, []byte(before+begin+want+end+after), 0o644))
	} else if old != want {
		t.Errorf("%s is not up to date: run go test ./watchers/curator -update", page)
	}
}

// documentStates makes Markdown of the table of states.
func documentStates() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	name := func(s State) string { return strings.ReplaceAll(string(s), " ", "_") }
	for _, row := range states() {
		if strings.Contains(string(row.State), " ") {
			fmt.Fprintf(&b, "    state \"%s\" as %s\n", row.State, name(row.State))
		}
	}
	fmt.Fprintf(&b, "    [*] --> %s\n", name(StateOff))
	for _, row := range states() {
		for _, next := range row.Next {
			if next.To != row.State {
				fmt.Fprintf(&b, "    %s --> %s\n", name(row.State), name(next.To))
			}
		}
	}
	b.WriteString("```\n\n| state | meaning | what one sees |\n| --- | --- | --- |\n")
	for _, row := range states() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.State, row.Meaning, row.Seen)
	}
	b.WriteString("\n| from | to | because |\n| --- | --- | --- |\n")
	for _, row := range states() {
		for _, next := range row.Next {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", row.State, next.To, next.Cause)
		}
	}
	return b.String()
}
