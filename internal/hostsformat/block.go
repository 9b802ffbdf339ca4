package hostsformat

import (
	"bytes"
	"iter"
)

// The markers around our block.
const (
	BeginMarker = "# BEGIN nodedns"
	EndMarker   = "# END nodedns"
)

// Marker returns the marker that a line is, or "", and whether it is exactly as
// we write it. White space around it is ignored: editors add and remove that.
func Marker(line []byte) (marker string, exact bool) {
	switch string(bytes.Trim(line, " \t\r\n")) {
	case BeginMarker:
		return BeginMarker, string(line) == BeginMarker+"\n"
	case EndMarker:
		return EndMarker, string(line) == EndMarker+"\n"
	}
	return "", false
}

// Section is a run of lines that belong together, with the markers around them.
type Section struct {
	Line  int    // the number of its first line, from 1
	Begin []byte // the line with the marker, or nil
	Text  []byte
	End   []byte // the line with the marker, or nil
}

// IsBlock reports whether the text is ours: it has both markers.
func (s *Section) IsBlock() bool { return s.Begin != nil && s.End != nil }

// TextLine is the number of the text's first line.
func (s *Section) TextLine() int {
	if s.Begin != nil {
		return s.Line + 1
	}
	return s.Line
}

// Sections splits a file: into blocks, and what lies outside of them, which is
// divided at markers without a partner.
func Sections(content []byte) iter.Seq[Section] {
	return func(yield func(Section) bool) {
		s := Section{Line: 1}
		start, at, number := 0, 0, 0 // the text's start, the current line's end
		ended := func(end int) bool {
			s.Text = content[start:end]
			return len(s.Begin)+len(s.Text)+len(s.End) == 0 || yield(s)
		}
		for at < len(content) {
			line, from := NextLine(content[at:]), at
			at += len(line)
			number++
			switch marker, _ := Marker(line); {
			case marker == "":
				continue
			case marker == BeginMarker:
				if !ended(from) {
					return
				}
				s, start = Section{Line: number, Begin: line}, at
				continue
			case s.Begin == nil: // an END of its own
				if !ended(from) {
					return
				}
				s, start, from = Section{Line: number}, at, at
			}
			s.End = line
			if !ended(from) {
				return
			}
			s, start = Section{Line: number + 1}, at
		}
		ended(len(content))
	}
}

// Users yields the user's lines that count: those outside of blocks.
func Users(content []byte) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for s := range Sections(content) {
			if s.IsBlock() {
				continue
			}
			for e := range Entries(s.TextLine(), s.Text) {
				if !yield(e) {
					return
				}
			}
		}
	}
}
