package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// column is one of a table: its heading, and a peer's cell.
type column struct {
	head string
	cell func(peer string) string
}

// print prints the tables of the rows that were chosen, in Markdown.
func (b *bench) print(w io.Writer) {
	fmt.Fprintf(w, "Medians of %d rounds of %g s, %s, %s, %s.\n", b.settings.rounds, b.settings.seconds,
		processor(), runtime.Version(), time.Now().Format(time.DateOnly))
	if versions := b.versions(); len(versions) > 0 {
		fmt.Fprintf(w, "The others: %s.\n", strings.Join(versions, ", "))
	}
	b.table(w, "CPU of the server for an answer at saturation, as a ratio to the echo's (µs)", b.costColumns())
	b.table(w, "Latency and fixed rate", b.latencyColumns())
	b.table(w, "Memory and changes", b.memoryColumns())
	b.table(w, fmt.Sprintf("While %s of %s nodes change a second", count(b.settings.churn), count(b.changeSize())), b.busyColumns())
	b.table(w, "TCP, and what was lost", b.restColumns())
	b.notes(w)
}

// versions names those that are not of this repository.
func (b *bench) versions() []string {
	var all []string
	for _, name := range b.settings.peers {
		if p := peerOf(name); p.version != nil && b.shelf.Missing[name] == "" {
			all = append(all, p.version(b.shelf))
		}
	}
	return all
}

// notes prints what the tables lack, and why.
func (b *bench) notes(w io.Writer) {
	for _, name := range b.settings.peers {
		if why := b.shelf.Missing[name]; why != "" {
			fmt.Fprintf(w, "\n%s could not be had: %s\n", name, oneLine(why))
		}
	}
	for _, s := range b.results.samples {
		if s.Failed != "" && b.shelf.Missing[s.Peer] == "" {
			fmt.Fprintf(w, "\n%s failed in %s with %d nodes: %s\n", s.Peer, s.Row, s.Nodes, oneLine(s.Failed))
		}
	}
	if b.results.anyStrange() {
		fmt.Fprintln(w, "\n† Not all replies were of the kind that the row is about.")
	}
}

// oneLine is a text without what would break a paragraph.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (r *results) anyStrange() bool {
	for _, s := range r.samples {
		if s.Strange {
			return true
		}
	}
	return false
}

// table prints one with a line for each peer, unless it has no columns.
func (b *bench) table(w io.Writer, title string, columns []column) {
	if len(columns) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n\n| |", title)
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c.head)
	}
	fmt.Fprintf(w, "\n| --- |%s\n", strings.Repeat(" --- |", len(columns)))
	for _, name := range b.settings.peers {
		fmt.Fprintf(w, "| %s |", peerOf(name).what)
		for _, c := range columns {
			fmt.Fprintf(w, " %s |", c.cell(name))
		}
		fmt.Fprintln(w)
	}
}

// costColumns are the rows at saturation.
func (b *bench) costColumns() []column {
	var columns []column
	add := func(chosen, row, head string, nodes int) {
		if b.wants(chosen) {
			columns = append(columns, column{head, func(peer string) string { return b.cost(row, peer, nodes) }})
		}
	}
	for _, nodes := range b.settings.sizes {
		add(rowSaturation, "one", "one of "+count(nodes), nodes)
		add(rowSaturation, "random", "any of "+count(nodes), nodes)
		add(rowMix, rowMix, "mix of "+count(nodes), nodes)
		add(rowReadable, byLabel.of("random"), "any of "+count(nodes)+", by name", nodes)
		add(rowReadable, byLabel.of(rowMix), "mix of "+count(nodes)+", by name", nodes)
		add(rowReadable, byFile.of("random"), "any of "+count(nodes)+", by name of a file", nodes)
	}
	add(rowCache, rowCache, "cache hits", 0)
	if b.wants(rowUnpinned) {
		columns = append(columns, column{"unpinned, ratio to pinned (µs)", b.unpinned})
	}
	return columns
}

// cell is what a peer has in a row, or why it has nothing.
func (b *bench) cell(row, peer string, nodes int, show func([]sample) string) string {
	found := b.results.of(row, peer, nodes)
	switch {
	case len(found) == 0 && (b.results.failed(row, peer, nodes) != "" || b.results.failed("start", peer, nodes) != ""):
		return "failed"
	case len(found) == 0:
		return "–"
	}
	for _, s := range found {
		if s.Strange {
			return show(found) + "†"
		}
	}
	return show(found)
}

// cost is the CPU for an answer and its ratio to the echo's.
func (b *bench) cost(row, peer string, nodes int) string {
	return b.cell(row, peer, nodes, func(found []sample) string {
		return fmt.Sprintf("%.2f (%.2f)", ratio(found, b.results.of(row, echo.name, nodes), (*sample).cost), median(found, (*sample).cost))
	})
}

func (b *bench) unpinned(peer string) string {
	return b.cell(rowUnpinned, peer, b.least(), func(found []sample) string {
		cost := median(found, (*sample).cost)
		pinned := median(b.results.of("random", peer, b.least()), (*sample).cost)
		if pinned == 0 {
			return fmt.Sprintf("(%.2f)", cost)
		}
		return fmt.Sprintf("%.2f (%.2f)", cost/pinned, cost)
	})
}

// latencyColumns are the rows at a fixed rate and with one query in flight.
func (b *bench) latencyColumns() []column {
	var columns []column
	add := func(row, head string, show func([]sample) string) {
		if b.wants(row) {
			columns = append(columns, column{head, func(peer string) string { return b.cell(row, peer, b.least(), show) }})
		}
	}
	p50 := func(s *sample) float64 { return float64(s.P50) / 1e3 }
	p90 := func(s *sample) float64 { return float64(s.P90) / 1e3 }
	p99 := func(s *sample) float64 { return float64(s.P99) / 1e3 }
	add(rowRate, fmt.Sprintf("CPU at %s/s, ratio (µs)", count(int(b.settings.rate))), func(found []sample) string {
		bound := b.results.of(rowRate, echo.name, b.least())
		return fmt.Sprintf("%.2f (%.1f)", ratio(found, bound, (*sample).cost), median(found, (*sample).cost))
	})
	add(rowRate, "p90 there, ratio (µs)", func(found []sample) string {
		bound := b.results.of(rowRate, echo.name, b.least())
		return fmt.Sprintf("%.2f (%.0f)", ratio(found, bound, p90), median(found, p90))
	})
	add(rowSingle, "one in flight, p50 / p99 µs", func(found []sample) string {
		return fmt.Sprintf("%.0f / %.0f", median(found, p50), median(found, p99))
	})
	return columns
}

// memoryColumns are memory at each size, of connections, and the change.
func (b *bench) memoryColumns() []column {
	var columns []column
	add := func(row, head string, nodes int, show func([]sample) string) {
		if b.wants(row) {
			columns = append(columns, column{head, func(peer string) string { return b.cell(row, peer, nodes, show) }})
		}
	}
	memory := func(s *sample) float64 { return float64(s.Memory) }
	for _, nodes := range b.settings.sizes {
		add(rowMemory, "MB with "+count(nodes), nodes, func(found []sample) string {
			return fmt.Sprintf("%.1f", median(found, memory)/1e6)
		})
	}
	add(rowIdle, "KB an idle connection (of how many)", b.least(), func(found []sample) string {
		held := max(found[0].Held, 1)
		return fmt.Sprintf("%.1f (%d)", median(found, memory)/float64(held)/1e3, found[0].Held)
	})
	add(rowChange, "a change of "+count(b.changeSize())+" visible after ms", b.changeSize(), func(found []sample) string {
		return fmt.Sprintf("%.1f", median(found, func(s *sample) float64 { return s.Visible * 1e3 }))
	})
	add(rowChange, "no answer meanwhile for ms", b.changeSize(), func(found []sample) string {
		return fmt.Sprintf("%.1f", median(found, func(s *sample) float64 { return s.Gap * 1e3 }))
	})
	return columns
}

// restColumns are TCP and the count of what was lost.
func (b *bench) restColumns() []column {
	var columns []column
	if b.wants(rowTCP) {
		columns = append(columns, column{"TCP, 100 × 10 in flight, answers a second", func(peer string) string {
			return b.cell(rowTCP, peer, b.least(), func(found []sample) string {
				return count(int(median(found, func(s *sample) float64 { return float64(s.InTime) / s.Seconds })))
			})
		}})
	}
	if b.wants(rowSaturation) || b.wants(rowMix) || b.wants(rowReadable) {
		columns = append(columns, column{"lost / dropped of all at saturation", b.lost})
	}
	return columns
}

// lost sums up what had no answer at saturation, and what never reached the
// server because its socket was full.
func (b *bench) lost(peer string) string {
	rows := []string{"one", "random", rowMix, byLabel.of("random"), byLabel.of(rowMix), byFile.of("random")}
	var sent, lost, dropped int64
	for _, s := range b.results.samples {
		if s.Peer == peer && s.Failed == "" && slices.Contains(rows, s.Row) {
			sent, lost, dropped = sent+s.Sent, lost+s.Lost, dropped+s.Dropped
		}
	}
	if sent == 0 {
		return "–"
	}
	return fmt.Sprintf("%d / %d of %s", lost, dropped, count(int(sent)))
}

// count shows a number with commas.
func count(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
