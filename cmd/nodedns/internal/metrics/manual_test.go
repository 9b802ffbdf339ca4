package metrics

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

const manual = "../../../../docs/operations.md"

// The manual's table of metrics is made of the catalogue.
func TestManualHasTheMetrics(t *testing.T) {
	t.Parallel()
	const begin, end = "metrics -update -->\n", "<!-- END metrics -->"
	page := read(t, manual)
	before, rest, found := strings.Cut(page, begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks the marks of the metrics", manual)
	}
	want := table()
	if *update {
		if err := os.WriteFile(manual, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != want {
		t.Errorf("%s is not up to date: run go test ./cmd/nodedns/internal/metrics -update", manual)
	}
}

// table makes Markdown of the catalogue.
func table() string {
	var b strings.Builder
	b.WriteString("\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, m := range all {
		var labels []string
		for _, label := range m.labels {
			labels = append(labels, "`"+label+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, strings.Join(labels, ", "), m.help)
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
