package hostsfile

import (
	"bytes"
	"fmt"
)

const (
	beginMarker = "# BEGIN nodedns"
	endMarker   = "# END nodedns"
	// joinedNote stands in the block when the user's last line had no newline
	// and we had to add it, so that it can be taken away with the block.
	joinedNote = "# nodedns added the newline that ends the line above\n"
	// maxQuoted is how many lines a finding quotes.
	maxQuoted = 10
)

// parts is a hosts file taken apart.
type parts struct {
	before, after []byte   // the user's lines around our block
	ours          []byte   // the lines of nodes that an earlier run wrote
	marked        bool     // there was a marker, so the block has its place
	joined        bool     // the newline at the end of before is ours
	findings      []string // what was odd, in words for the log
}

// parse takes a hosts file apart. It decides which lines are ours and which
// are the user's:
//
//   - Between BEGIN and END everything is ours: so the block is defined.
//   - After a BEGIN without END, and before an END without BEGIN, only the
//     adjacent lines are ours that look exactly as we write a node. Even a
//     line for localhost there is the user's, because it may well be, and
//     keeping it harms nobody.
//
// The block's place is where the first marker stood.
func parse(content []byte, form lineForm) parts {
	var p parts
	start := -1 // of the lines after a BEGIN that no END has followed yet
	begun := 0  // the number of its line
	blocks, crlf, number := 0, 0, 0
	for at := 0; at < len(content); {
		line := nextLine(content[at:])
		from := at
		at += len(line)
		number++
		marker, exact := markerOf(line)
		if marker != "" && !exact {
			p.find("line %d: a marker with altered white space was put in order", number)
		}
		switch {
		case marker == beginMarker:
			if start >= 0 {
				p.unclosed(content[start:from], begun, form)
			}
			p.marked = true
			start, begun = at, number
		case marker == endMarker && start < 0:
			p.unopened(number, form)
			p.marked = true
		case marker == endMarker:
			p.closed(content[start:from], begun, form)
			start = -1
			blocks++
		case start < 0:
			p.user(line)
		}
		if marker == "" && bytes.HasSuffix(line, []byte("\r\n")) {
			crlf++
		}
	}
	if start >= 0 {
		p.unclosed(content[start:], begun, form)
	}
	if !p.marked && len(content) > 0 && content[len(content)-1] != '\n' {
		p.find("line %d: the newline at the end of the file was missing; it was added, and goes when the block goes", number)
	}
	if blocks > 1 {
		p.find("%d blocks were made one", blocks)
	}
	if crlf > 0 {
		// Ours end in LF all the same: a reader that does not know CR as white
		// space would take it for a part of the name.
		p.find("%d lines end in CR LF and were left so; those of nodedns end in LF", crlf)
	}
	// Only at the end of the file the newline can be taken away again.
	p.joined = p.joined && len(p.before) > 0 && len(p.after) == 0
	return p
}

func (p *parts) find(format string, args ...any) {
	p.findings = append(p.findings, fmt.Sprintf(format, args...))
}

func (p *parts) user(lines []byte) {
	if p.marked {
		p.after = append(p.after, lines...)
	} else {
		p.before = append(p.before, lines...)
	}
}

// closed takes the lines between two markers.
func (p *parts) closed(lines []byte, begun int, form lineForm) {
	var foreign []string // the first of them
	count := 0
	for len(lines) > 0 {
		line := nextLine(lines)
		lines = lines[len(line):]
		switch {
		case form.isNode(line):
			p.ours = append(p.ours, line...)
		case string(line) == joinedNote:
			p.joined = true
		case !isOurLocalhost(line):
			if count++; count <= maxQuoted {
				foreign = append(foreign, string(line))
			}
		}
	}
	if count > 0 {
		p.find("line %d: the block after it had %d lines that nodedns does not write, and they were replaced: %q", begun, count, foreign)
	}
}

// unclosed takes the lines after a BEGIN up to where its END should have been.
func (p *parts) unclosed(lines []byte, begun int, form lineForm) {
	p.find("line %d: %q without %q; the lines after it were kept, but for those that nodedns had written",
		begun, beginMarker, endMarker)
	for len(lines) > 0 {
		line := nextLine(lines)
		switch {
		case form.isNode(line):
			p.ours = append(p.ours, line...)
		case string(line) == joinedNote:
			p.joined = true
		case isOurLocalhost(line):
			p.user(line)
		default:
			p.user(lines)
			return
		}
		lines = lines[len(line):]
	}
}

// unopened takes back the lines that an END without BEGIN shows to be ours.
func (p *parts) unopened(number int, form lineForm) {
	p.find("line %d: %q without %q; the lines before it were kept, but for those that nodedns had written",
		number, endMarker, beginMarker)
	lines := &p.before
	if p.marked {
		lines = &p.after
	}
	rest := *lines
	for len(rest) > 0 {
		line := lastLine(rest)
		if !form.isNode(line) {
			break
		}
		rest = rest[:len(rest)-len(line)]
	}
	p.ours = append(p.ours, (*lines)[len(rest):]...)
	*lines = rest
}

// join puts the file together again, with lines as our block.
func (p *parts) join(lines []byte) []byte {
	joined := p.joined
	out := make([]byte, 0, len(p.before)+len(p.after)+len(lines)+len(beginMarker)+len(endMarker)+len(joinedNote)+3)
	out = append(out, p.before...)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
		joined = true
	}
	out = append(out, beginMarker+"\n"...)
	if joined {
		out = append(out, joinedNote...)
	}
	out = append(out, lines...)
	out = append(out, endMarker+"\n"...)
	return append(out, p.after...)
}

// strip returns what is the user's.
func (p *parts) strip() []byte {
	out := make([]byte, 0, len(p.before)+len(p.after))
	out = append(out, p.before...)
	if p.joined {
		out = out[:len(out)-1]
	}
	return append(out, p.after...)
}

// markerOf returns the marker that a line is, or "", and whether it stands
// there as we write it. White space around it does not count: editors add and
// remove that.
func markerOf(line []byte) (marker string, exact bool) {
	switch string(bytes.Trim(line, " \t\r\n")) {
	case beginMarker:
		return beginMarker, string(line) == beginMarker+"\n"
	case endMarker:
		return endMarker, string(line) == endMarker+"\n"
	}
	return "", false
}

// nextLine returns the first line with its newline, which the last of a file
// may lack.
func nextLine(lines []byte) []byte {
	if i := bytes.IndexByte(lines, '\n'); i >= 0 {
		return lines[:i+1]
	}
	return lines
}

// lastLine returns the last line with its newline.
func lastLine(lines []byte) []byte {
	return lines[bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1:]
}
