package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// mutant is one change of one file: the text from start to end is replaced.
type mutant struct {
	file       *source
	function   string // as in (*Store).Watch; outside of functions what is declared
	start, end int
	with       string
}

// text is the file with the change in it.
func (m *mutant) text() []byte {
	return slices.Concat(m.file.text[:m.start], []byte(m.with), m.file.text[m.end:])
}

// place is the file, the line and the function.
func (m *mutant) place() string {
	return fmt.Sprintf("%s:%d %s", m.file.name, 1+bytes.Count(m.file.text[:m.start], []byte("\n")), m.function)
}

// lines are those that the change touches, before and after it.
func (m *mutant) lines() (before, after string) {
	text := m.file.text
	first := bytes.LastIndexByte(text[:m.start], '\n') + 1
	last := len(text)
	if i := bytes.IndexByte(text[m.end:], '\n'); i >= 0 {
		last = m.end + i
	}
	return string(text[first:last]), string(text[first:m.start]) + m.with + string(text[m.end:last])
}

// diff is the change for a reader, and for the list of equivalent mutants.
func (m *mutant) diff() string {
	before, after := m.lines()
	return marked("-", before) + marked("+", after)
}

// marked puts a sign before each line that is not blank, or alone where all are.
func marked(sign, lines string) string {
	var out strings.Builder
	for line := range strings.Lines(lines) {
		if strings.TrimSpace(line) != "" {
			out.WriteString(sign + strings.TrimRight(line, "\n") + "\n")
		}
	}
	if out.Len() == 0 {
		return sign + "\n"
	}
	return out.String()
}

// key identifies a mutant however its lines are indented, and wherever in the
// function they are: the same change of two lines that are alike has one key.
func (m *mutant) key() string {
	before, after := m.lines()
	return keyOf(m.file.name, m.function, before, after)
}

func keyOf(file, function, before, after string) string {
	words := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	return strings.Join([]string{file, function, words(before), words(after)}, "\n")
}
