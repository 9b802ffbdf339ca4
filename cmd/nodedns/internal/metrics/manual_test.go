package metrics

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

const manual = "../../../../docs/operations.md"

// The manual's table of metrics is made of what there is.
func TestManualHasTheMetrics(t *testing.T) {
	t.Parallel()
	const begin, end = "metrics -update -->\n", "<!-- END metrics -->"
	page := read(t, manual)
	before, rest, found := strings.Cut(page, begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks the marks of the metrics", manual)
	}
	want := table(t)
	if *update {
		if err := os.WriteFile(manual, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != want {
		t.Errorf("%s is not up to date: run go test ./cmd/nodedns/internal/metrics -update", manual)
	}
}

// table makes Markdown of what the sample's scrape has, in the order of the names.
func table(t *testing.T) string {
	t.Helper()
	families, err := registry(collector(sample), process).Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "nodedns_") {
			continue
		}
		var labels []string
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+label.GetName()+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n",
			family.GetName(), strings.ToLower(family.GetType().String()), strings.Join(labels, ", "), family.GetHelp())
	}
	b.WriteString("\n")
	return b.String()
}

// The manual has a row for each alert, with how severe it is and after what
// time it fires.
func TestManualHasTheAlerts(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, manual), "\n## Alerts\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string][2]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(.+?)` \\| (.+?) \\| (.+?) \\|").FindAllStringSubmatch(section, -1) {
		rows[row[1]] = [2]string{row[2], row[3]}
	}
	for _, a := range alerts(t) {
		want := [2]string{a.severity, a.after}
		if got := rows[a.name]; got != want {
			t.Errorf("%s has of %s %q, want %q", manual, a.name, got, want)
		}
		delete(rows, a.name)
	}
	for name := range rows {
		t.Errorf("%s has %s, which is no alert", manual, name)
	}
}
