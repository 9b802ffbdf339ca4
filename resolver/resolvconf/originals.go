package resolvconf

import (
	"bytes"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/internal/managed"
)

const (
	// maxOriginals bounds what is kept. Beyond it the second oldest goes: the
	// oldest is what was there before all others.
	maxOriginals = 8
	// maxSeen bounds what is kept of each, likewise.
	maxSeen = 8
)

// originals are what was there before us and what other programs wrote since,
// each with a number that is larger than those before it. The last one is in
// force: its servers are the machine's, and it is what is restored.
//
// Many programs save the file that they find, and put that back when they are
// done. So what counts is what each found when it wrote:
//
//   - What another program writes becomes the last one. If it is the text of an
//     earlier one, or of a program that is known by name, it takes that one's
//     place.
//   - What had been in the file before, our text or another's, is put back by a
//     program that found it there. What that one had written is over, and
//     nothing else: a lease that was renewed meanwhile stays in force.
//
// Our text has the number of the original that it stands in for, so it is known
// when it comes back, also after a restart.
type originals struct {
	// File is what is in the file.
	File finding
	// Server is what our text names.
	Server string
	Last   uint64 // the largest number so far
	All    []original
}

// original is one of them.
type original struct {
	managed.Backup
	Number uint64
	// Written is the text as it was written, where we had to change it.
	Written []byte `json:",omitempty"`
	// Writer is the program, if it named itself.
	Writer string
	// Found is what was in the file before each time that it was written.
	Found []finding
}

// finding is a content of the file: an original, or our text in its place.
type finding struct {
	Number uint64
	Ours   bool
}

// inForce is the last one. There must be one.
func (s *originals) inForce() *original { return &s.All[len(s.All)-1] }

// take records that our text is in the file from now on.
func (s *originals) take(server string) {
	s.File, s.Server = finding{s.inForce().Number, true}, server
}

// release records that the original in force is.
func (s *originals) release() { s.File = finding{s.inForce().Number, false} }

// putBack records that our text is in the file, in place of the original of this
// number, and reports whether that is news.
func (s *originals) putBack(number uint64) (news bool) {
	now := finding{number, true}
	if s.File == now {
		return false
	}
	s.drop(now)
	s.File = now
	return true
}

// write records what another program has written, and reports whether that is
// news.
func (s *originals) write(o original) (news bool) {
	if len(s.All) == 0 {
		s.push(o)
		return true
	}
	if s.File.Ours {
		s.leaveUsOut(&o)
	} else if last := s.inForce(); last.Number == s.File.Number && last.continues(o) {
		if last.isText(o) {
			return false
		}
		o.Number, o.Found = last.Number, last.Found
		*last = o
		return true
	}
	earlier := slices.IndexFunc(s.All, o.isText)
	if earlier >= 0 {
		s.drop(finding{s.All[earlier].Number, false})
		earlier = slices.IndexFunc(s.All, o.isText)
	} else if o.Writer != "" {
		earlier = slices.IndexFunc(s.All, func(e original) bool { return e.Writer == o.Writer })
	}
	if earlier >= 0 {
		o.Found = s.All[earlier].Found
		s.All = slices.Delete(s.All, earlier, earlier+1)
	}
	o.Found = bounded(append(slices.Clone(o.Found), s.File), maxSeen)
	s.push(o)
	return true
}

// push makes an original the last one, with a number of its own.
func (s *originals) push(o original) {
	s.Last++
	o.Number = s.Last
	s.All = bounded(append(s.All, o), maxOriginals)
	s.release()
}

// drop removes what was written by those that found this in the file, as long as
// anything is left.
func (s *originals) drop(found finding) {
	isOver := func(o original) bool { return slices.Contains(o.Found, found) }
	if !slices.ContainsFunc(s.All, func(o original) bool { return !isOver(o) }) {
		s.All = s.All[:min(len(s.All), 1)]
		return
	}
	s.All = slices.DeleteFunc(s.All, isOver)
}

// isText reports whether another original is the same.
func (o original) isText(other original) bool {
	return o.Existed == other.Existed && o.Link == other.Link && (o.Link != "" || bytes.Equal(o.written(), other.written()))
}

func (o original) written() []byte {
	if o.Written != nil {
		return o.Written
	}
	return o.Content
}

// continues reports whether another original is this one still, or this one and
// more: programs write in pieces.
func (o original) continues(other original) bool {
	if o.isText(other) {
		return true
	}
	isFile := func(o original) bool { return o.Existed && o.Link == "" }
	return isFile(o) && isFile(other) && bytes.HasPrefix(other.written(), o.written())
}

// leaveUsOut puts the servers of the original in force into the place of ours: a
// program may have copied that from our text, as dhclient does for a lease
// without servers. It would lead to us once we have stopped.
func (s *originals) leaveUsOut(o *original) {
	var servers strings.Builder
	for line := range strings.Lines(string(s.inForce().Content)) {
		switch server := serverOf(line); server {
		case "":
		case s.Server:
			return // it was not copied from us
		default:
			servers.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	var text strings.Builder
	for line := range strings.Lines(string(o.Content)) {
		if server := serverOf(line); server == "" || server != s.Server {
			text.WriteString(line)
			continue
		}
		text.WriteString(servers.String())
		servers.Reset()
		o.Written = o.Content
	}
	if o.Written != nil {
		o.Content = []byte(text.String())
	}
}

// serverOf is the server that a line of a resolv.conf names, or "".
func serverOf(line string) string {
	if words := strings.Fields(line); len(words) > 1 && words[0] == "nameserver" {
		return words[1]
	}
	return ""
}

// bounded drops the second of a list that is one too long.
func bounded[T any](list []T, limit int) []T {
	if len(list) > limit {
		return slices.Delete(list, 1, 2)
	}
	return list
}
