package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const everydayPage = "../docs/everyday-networks.md"

// untimed is a cell of the table without the time in it.
func untimed(cell string) string {
	text, _, _ := strings.Cut(cell, ", ")
	return text
}

// compareEverydayPage fails unless the manual's table has these rows, and in the
// column of nodedns what was found. With -update it writes the table instead.
func compareEverydayPage(t *testing.T, rows []everydayRow, measured []forwarder, found [][]string) {
	t.Helper()
	const begin, end = " -update -->\n", "<!-- END everyday -->"
	page, err := os.ReadFile(everydayPage)
	must(t, err)
	before, rest, begins := strings.Cut(string(page), begin)
	old, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s lacks the marks of the table", everydayPage)
	}
	if *update {
		table := everydayTable(t, rows, measured, found)
		must(t, os.WriteFile(everydayPage, []byte(before+begin+table+end+after), 0o644))
		return
	}
	lines := strings.Split(strings.TrimSpace(old), "\n")
	if len(lines) != len(rows)+2 {
		t.Fatalf("%s has %d rows, want %d: run go test ./integration -run EverydayNetworks -update", everydayPage, len(lines)-2, len(rows))
	}
	for i, line := range lines[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) < 2 || cells[0] != rows[i].name || untimed(cells[1]) != untimed(found[i][0]) {
			t.Errorf("%s has %q, want %q and %q", everydayPage, line, rows[i].name, found[i][0])
		}
		for j := 1; j < len(measured) && j+1 < len(cells); j++ {
			if cells[j+1] != found[i][j] {
				t.Logf("%s: %s: %q, and in the manual %q", rows[i].name, measured[j].name, found[i][j], cells[j+1])
			}
		}
	}
}

func everydayTable(t *testing.T, rows []everydayRow, measured []forwarder, found [][]string) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| what happens |")
	for _, f := range measured {
		fmt.Fprintf(&table, " %s |", strings.TrimSpace(f.name+" "+f.version(t)))
	}
	table.WriteString("\n" + strings.Repeat("| --- ", len(measured)+1) + "|\n")
	for i, row := range rows {
		fmt.Fprintf(&table, "| %s | %s |\n", row.name, strings.Join(found[i], " | "))
	}
	return table.String()
}
