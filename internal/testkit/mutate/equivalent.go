package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// equivalents is the list of mutants that change nothing that matters.
type equivalents struct {
	entries []*equivalent
	byKey   map[string]*equivalent
}

// equivalent is an entry of the list:
//
//	zone/store.go (*Store).Watch
//	-	if n < 2 {
//	+	if n <= 2 {
//	Why nothing differs, in one or several lines.
//
// and an empty line. A line that starts with # is a comment.
type equivalent struct {
	file, function, before, after, reason string
	line                                  int // in the list
}

func (e *equivalent) place() string { return e.file + " " + e.function }

func (e *equivalent) key() string { return keyOf(e.file, e.function, e.before, e.after) }

// readEquivalents reads the list at a path below the module's directory. One that
// is missing is empty.
func readEquivalents(module, path string) (*equivalents, error) {
	list, err := os.ReadFile(filepath.Join(module, path))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	known, err := parseEquivalents(string(list))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return known, nil
}

func parseEquivalents(list string) (*equivalents, error) {
	known := &equivalents{byKey: map[string]*equivalent{}}
	var e *equivalent
	number := 0
	for line := range strings.Lines(list + "\n\n") {
		number++
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			if err := known.add(e); err != nil {
				return nil, err
			}
			e = nil
		case e == nil:
			file, function, _ := strings.Cut(line, " ")
			e = &equivalent{file: lineNumber.ReplaceAllString(file, ""), function: strings.TrimSpace(function), line: number}
		case e.reason == "" && line[0] == '-':
			e.before += line[1:] + "\n"
		case e.reason == "" && line[0] == '+':
			e.after += line[1:] + "\n"
		default:
			e.reason += line + "\n"
		}
	}
	return known, nil
}

var lineNumber = regexp.MustCompile(`:\d+$`)

// add takes an entry that is complete, and the only one of its mutant.
func (known *equivalents) add(e *equivalent) error {
	switch {
	case e == nil:
		return nil
	case e.function == "" || strings.TrimSpace(e.before) == "" || e.reason == "":
		return fmt.Errorf("%d: an entry has a file with a function, the lines - and +, and a reason", e.line)
	case known.byKey[e.key()] != nil:
		return fmt.Errorf("%d: the entry of line %d again", e.line, known.byKey[e.key()].line)
	}
	known.entries = append(known.entries, e)
	known.byKey[e.key()] = e
	return nil
}

// without returns the mutants that are not listed, and how many are.
func (known *equivalents) without(mutants []*mutant) (rest []*mutant, listed int) {
	rest = slices.DeleteFunc(slices.Clone(mutants), func(m *mutant) bool { return known.byKey[m.key()] != nil })
	return rest, len(mutants) - len(rest)
}

// stale are the entries for files of the packages, or in their directories, that
// fit none of their mutants.
func (known *equivalents) stale(packages []*pkg) []*equivalent {
	made := map[string]bool{}
	dirs := map[string]bool{}
	for _, p := range packages {
		dirs[p.rel()] = true
		for _, m := range p.candidates() {
			made[m.key()] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(known.entries), func(e *equivalent) bool {
		return !dirs[filepath.Dir(e.file)] || made[e.key()]
	})
}
