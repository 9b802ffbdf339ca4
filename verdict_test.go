package nodedns

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/verdict"
)

var update = flag.Bool("update", false, "write the manual's table of reasons again")

// The manual's table of reasons is made of the one in the code.
func TestManualHasTheReasons(t *testing.T) {
	t.Parallel()
	const manual, begin, end = "docs/operations.md", "test . -update -->\n", "<!-- END reasons -->"
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks the marks of the reasons", manual)
	}
	var b strings.Builder
	b.WriteString("\n| reason | meaning | counts | what to do |\n| --- | --- | --- | --- |\n")
	for _, r := range verdict.Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Code, r.Meaning, r.When, r.Fix)
	}
	b.WriteString("\n")
	if want := b.String(); *update {
		if err := os.WriteFile(manual, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != want {
		t.Errorf("%s is not up to date: run go test . -update", manual)
	}
}
