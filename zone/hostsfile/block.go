package hostsfile

import (
	"bytes"
	"fmt"

	"github.com/nodedns/nodedns/internal/hostsformat"
)

const (
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
	findings      []string // what was unexpected, in words for the log
}

// parse takes a hosts file apart. It decides which lines are ours and which
// are the user's:
//
//   - Between BEGIN and END everything is ours: so the block is defined.
//   - After a BEGIN without END, and before an END without BEGIN, only the
//     adjacent lines are ours that look exactly as we write a node: an address
//     and an ID or, with names, as we write one of the nodes that there are. Even
//     a line for localhost there is the user's, because it may well be, and
//     keeping it does no harm.
//
// The block's place is where the first marker stood.
func parse(content []byte, form lineForm) parts {
	var p parts
	blocks := 0
	for s := range hostsformat.Sections(content) {
		p.checkMarker(s.Line, s.Begin)
		switch {
		case s.IsBlock():
			blocks++
			p.marked = true
			p.closed(s.Text, s.Line, form)
		case s.Begin != nil:
			p.marked = true
			p.unclosed(s.Text, s.Line, form)
		case s.End != nil:
			p.unopened(s.Line, form)
			p.marked = true
		default:
			p.user(s.Text)
		}
		p.checkMarker(s.Line+bytes.Count(s.Begin, newline)+bytes.Count(s.Text, newline), s.End)
	}
	if !p.marked && len(content) > 0 && content[len(content)-1] != '\n' {
		p.find("line %d: the newline at the end of the file was missing; it was added, and goes when the block goes",
			bytes.Count(content, newline)+1)
	}
	if blocks > 1 {
		p.find("%d blocks were made one", blocks)
	}
	if crlf := bytes.Count(p.before, crlf) + bytes.Count(p.after, crlf); crlf > 0 {
		// Ours end in LF all the same: a reader that does not know CR as white
		// space would take it for a part of the name.
		p.find("%d lines end in CR LF and were left so; those of nodedns end in LF", crlf)
	}
	// Only at the end of the file the newline can be taken away again.
	p.joined = p.joined && len(p.before) > 0 && len(p.after) == 0
	return p
}

var newline, crlf = []byte("\n"), []byte("\r\n")

// checkMarker finds a marker that differs from how we write it.
func (p *parts) checkMarker(number int, line []byte) {
	if _, exact := hostsformat.Marker(line); len(line) > 0 && !exact {
		p.find("line %d: a marker with altered white space was repaired", number)
	}
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
		line := hostsformat.NextLine(lines)
		lines = lines[len(line):]
		l, ok := form.parse(line)
		switch {
		case ok && !form.isStray(line, l):
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
		begun, hostsformat.BeginMarker, hostsformat.EndMarker)
	for len(lines) > 0 {
		line := hostsformat.NextLine(lines)
		switch {
		case form.isOurs(line):
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
		number, hostsformat.EndMarker, hostsformat.BeginMarker)
	lines := &p.before
	if p.marked {
		lines = &p.after
	}
	rest := *lines
	for len(rest) > 0 {
		line := lastLine(rest)
		if !form.isOurs(line) {
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
	out := make([]byte, 0, len(p.before)+len(p.after)+len(lines)+len(hostsformat.BeginMarker)+len(hostsformat.EndMarker)+len(joinedNote)+3)
	out = append(out, p.before...)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
		joined = true
	}
	out = append(out, hostsformat.BeginMarker+"\n"...)
	if joined {
		out = append(out, joinedNote...)
	}
	out = append(out, lines...)
	out = append(out, hostsformat.EndMarker+"\n"...)
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

// lastLine returns the last line with its newline.
func lastLine(lines []byte) []byte {
	return lines[bytes.LastIndexByte(lines[:len(lines)-1], '\n')+1:]
}
