package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in a configuration.
type Problem struct {
	File string // empty: the value came from a flag
	Line int    // counted from 1; 0: the file as a whole
	Key  string // as in "zone.ttl"; empty: not about a key
	Text string // what was found, what was expected, and the remedy if there is one
}

// Error returns the problem with its place, on one line.
func (p Problem) Error() string {
	if p.File == "" {
		return fmt.Sprintf("flag --%s: %s", p.Key, p.Text)
	}
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Key == "" {
		return where + ": " + p.Text
	}
	return where + ": " + p.Key + ": " + p.Text
}

// Problems is everything that is wrong in a configuration: the problems of each
// file in the order of its lines, then those of the flags. As an error it
// has one line for each.
type Problems []Problem

// Error returns the problems, one on each line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each problem as an error of its own.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// sorted puts the problems in the order in which a reader fixes them.
func (ps Problems) sorted(documents []document) Problems {
	rank := func(p Problem) int {
		i := slices.IndexFunc(documents, func(d document) bool { return d.file == p.File })
		if i < 0 {
			return len(documents) // a flag
		}
		return i
	}
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Line, b.Line), strings.Compare(a.Key, b.Key))
	})
	return ps
}

// valueError is what is wrong with one value, before its place is known.
type valueError struct {
	item int // index in a list; allOfIt: the value itself
	text string
}

// allOfIt is the item of a valueError that is about all of a value.
const allOfIt = -1

// expected makes the error of a parse function. It completes the sentence
// "got X, …"; a remedy follows after a semicolon.
func expected(format string, args ...any) error {
	return fmt.Errorf("expected "+format, args...)
}

// unexpected makes the valueError of a value that a parse function refused.
func unexpected(item int, raw any, err error) valueError {
	return valueError{item, fmt.Sprintf("got %s, %v", describe(raw), err)}
}

// describe returns a value as the file spells it, or its kind.
func describe(raw any) string {
	switch v := raw.(type) {
	case string:
		return fmt.Sprintf("%.80q", v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	default: // the four kinds of dates and times, which no key takes
		return "a date or time"
	}
}
