package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const everydayPage = "../docs/everyday-networks.md"

// untimed is a cell of the table without the time in it.
func untimed(cell string) string {
	text, _, _ := strings.Cut(cell, ", ")
	return text
}

// asOne is one cell for what was found several times: a range of what is answered,
// or each of them.
func asOne(cells []string) string {
	slices.Sort(cells)
	cells = slices.Compact(cells)
	var counts []int
	all := 0
	for _, cell := range cells {
		var count int
		if _, err := fmt.Sscanf(cell, "%d of %d answered", &count, &all); err == nil {
			counts = append(counts, count)
		}
	}
	if len(cells) == 1 || len(counts) < len(cells) {
		return strings.ReplaceAll(strings.Join(cells, " or "), " or "+untimed(cells[0])+", ", " or ")
	}
	return fmt.Sprintf("%d to %d of %d answered", slices.Min(counts), slices.Max(counts), all)
}

// compareEverydayPage fails unless the manual's table has these rows, and in the
// column of nodedns what was found. With -update it writes the table instead.
func compareEverydayPage(t *testing.T, rows []everydayRow, measured []forwarder, found map[string][]string) {
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
		row, cells := rows[i], strings.Split(strings.Trim(line, "| "), " | ")
		got := found[row.name]
		if got[0] == "" {
			continue // -run has left it out
		}
		if len(cells) < 2 || cells[0] != row.name || untimed(cells[1]) != untimed(got[0]) {
			t.Errorf("%s has %q, want %q and %q", everydayPage, line, row.name, got[0])
		}
		for j := 1; j < len(measured) && j+1 < len(cells); j++ {
			if cells[j+1] != got[j] {
				t.Logf("%s: %s: %q, and in the manual %q", row.name, measured[j].name, got[j], cells[j+1])
			}
		}
	}
}

func everydayTable(t *testing.T, rows []everydayRow, measured []forwarder, found map[string][]string) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| what happens |")
	for _, f := range measured {
		fmt.Fprintf(&table, " %s |", strings.TrimSpace(f.name+" "+f.version(t)))
	}
	table.WriteString("\n" + strings.Repeat("| --- ", len(measured)+1) + "|\n")
	for _, row := range rows {
		if slices.Contains(found[row.name], "") {
			t.Fatalf("%q was not measured", row.name)
		}
		fmt.Fprintf(&table, "| %s | %s |\n", row.name, strings.Join(found[row.name], " | "))
	}
	return table.String()
}
