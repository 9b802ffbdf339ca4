package hosts

import "bytes"

// The markers of our block, as zone/hostsfile writes them. The import rule keeps
// that package and this one apart.
const (
	beginMarker = "# BEGIN nodedns"
	endMarker   = "# END nodedns"
)

// segment is a run of the user's lines.
type segment struct {
	line int // the number of the first one, from 1
	text []byte
}

// foreign returns what lies outside of our blocks. A block is what lies
// between an END and the last BEGIN before it; a marker without its partner is
// a comment like any other. Of the lines beside such a marker hostsfile claims
// some, which all name nodes, and such lines do not count here anyway.
func foreign(content []byte) (segments []segment) {
	add := func(line int, text []byte) {
		if len(text) > 0 {
			segments = append(segments, segment{line, text})
		}
	}
	start, first := 0, 1 // of the current segment
	begin := -1          // of the line with a BEGIN that has no END yet
	for at, number := 0, 1; at < len(content); number++ {
		line := nextLine(content[at:])
		switch marker(line) {
		case beginMarker:
			begin = at
		case endMarker:
			if begin >= 0 {
				add(first, content[start:begin])
				start, first, begin = at+len(line), number+1, -1
			}
		}
		at += len(line)
	}
	add(first, content[start:])
	return segments
}

// marker returns the marker that a line is, or "". White space around it does
// not count: editors add and remove that.
func marker(line []byte) string {
	switch string(bytes.Trim(line, " \t\r\n")) {
	case beginMarker:
		return beginMarker
	case endMarker:
		return endMarker
	}
	return ""
}

// nextLine returns the first line with its newline, which the last of a file
// may lack.
func nextLine(lines []byte) []byte {
	if i := bytes.IndexByte(lines, '\n'); i >= 0 {
		return lines[:i+1]
	}
	return lines
}
