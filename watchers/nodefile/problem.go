package nodefile

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxListed is how many problems of a file are kept as texts; all are counted.
const maxListed = 10

// position is a place in a file, from 1. A column of 0 stands for the whole line.
type position struct{ line, column int }

func (p position) String() string {
	if p.column == 0 {
		return fmt.Sprintf("line %d", p.line)
	}
	return fmt.Sprintf("line %d, column %d", p.line, p.column)
}

// ParseError is why a file cannot be used at all.
type ParseError struct {
	Line   int // from 1
	Column int // of the line, in characters from 1; 0: the line as a whole
	Reason string
}

// Error has the position in front.
func (e *ParseError) Error() string { return position{e.Line, e.Column}.String() + ": " + e.Reason }

// mark is a place in a text of which the column is not known yet: to count that at
// each place would take the square of a line's length.
type mark struct {
	line      int
	start, at int // offsets, of the line and of the place
}

// in returns the position in the text, or in none where only the line counts.
func (m mark) in(text []byte) position {
	if text == nil {
		return position{line: m.line}
	}
	return position{m.line, 1 + utf8.RuneCount(text[m.start:m.at])}
}

func failAt(at position, format string, args ...any) error {
	return &ParseError{at.line, at.column, fmt.Sprintf(format, args...)}
}

// problems are the entries, and parts of entries, that have no effect.
type problems struct {
	count int
	texts []string // the first ones, with their position
}

func (p *problems) add(at position, format string, args ...any) {
	if p.count++; len(p.texts) < maxListed {
		p.texts = append(p.texts, at.String()+": "+fmt.Sprintf(format, args...))
	}
}

// with are these problems and others, in this order.
func (p problems) with(others problems) problems {
	texts := append([]string{}, p.texts...)
	for _, text := range others.texts {
		if len(texts) < maxListed {
			texts = append(texts, text)
		}
	}
	return problems{p.count + others.count, texts}
}

func (p problems) equal(other problems) bool {
	return p.count == other.count && slices.Equal(p.texts, other.texts)
}
