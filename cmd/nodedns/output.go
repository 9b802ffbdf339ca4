package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// addJSON gives a command --json.
func addJSON(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON, for programs")
}

// printJSON writes a value for programs, in a form that people can read too.
func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// batch is how many rows a table holds back to find the widths of its columns.
const batch = 500

// table aligns columns. It holds a bounded number of rows, so that a million
// nodes cost no memory; a column may become wider from one batch to the next.
// The last cell of a row is not padded.
type table struct {
	out    io.Writer
	colour bool // isColourful, of where out leads to
	rows   [][]string
	widths []int
	err    error // of the first write that failed
}

// row adds a row. A cell that holds several lines makes the row as many lines
// high, with the other cells on the first of them.
func (t *table) row(cells ...string) {
	height := 1
	for _, cell := range cells {
		height = max(height, 1+strings.Count(cell, "\n"))
	}
	lines := make([][]string, height)
	for i := range lines {
		lines[i] = make([]string, len(cells))
	}
	for column, cell := range cells {
		for i, line := range strings.Split(cell, "\n") {
			lines[i][column] = line
		}
	}
	if t.rows = append(t.rows, lines...); len(t.rows) >= batch {
		t.flush()
	}
}

const (
	// gap is the space between two columns.
	gap = 2
	// widest is how wide a column becomes at most. A cell that is wider still
	// moves those behind it, on its own line only.
	widest = 80
)

// visible is how wide a cell is.
func visible(cell string) int { return utf8.RuneCountInString(shown(cell, false)) }

// flush writes the rows that are held back, and returns the first error of all
// writes so far.
func (t *table) flush() error {
	for _, row := range t.rows {
		for column, cell := range row[:max(0, len(row)-1)] {
			if column == len(t.widths) {
				t.widths = append(t.widths, 0)
			}
			if width := visible(cell); width <= widest {
				t.widths[column] = max(t.widths[column], width)
			}
		}
	}
	var text strings.Builder
	for _, row := range t.rows {
		line := ""
		for column, cell := range row {
			line += shown(cell, t.colour)
			if column < len(row)-1 {
				line += strings.Repeat(" ", max(0, t.widths[column]-visible(cell))+gap)
			}
		}
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	t.rows = t.rows[:0]
	if t.err == nil {
		_, t.err = io.WriteString(t.out, text.String())
	}
	return t.err
}

// orDash makes what is empty visible.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// age formats how long ago something was, with the two largest units: 3m12s,
// 5h2m, 9d4h.
func age(since *time.Time, now time.Time) string {
	if since == nil {
		return "-"
	}
	// The clock may have been set back meanwhile.
	d := max(0, now.Sub(*since))
	days, hours, minutes, seconds := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh%dm", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%dm%ds", minutes, seconds)
	default:
		return fmt.Sprintf("%ds", seconds)
	}
}
