package nsswitch

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// databases are those whose lines glibc parses, which may fail.
var databases = []string{
	"aliases", "ethers", "group", "group_compat", "gshadow", "hosts", "initgroups", "netgroup", "networks", "passwd",
	"passwd_compat", "protocols", "publickey", "rpc", "services", "shadow", "shadow_compat",
}

// statuses are the names in brackets, and how they are usually written.
var statuses = []struct{ canonical, usual string }{
	{Success, "SUCCESS"}, {NotFound, "NOTFOUND"}, {Unavailable, "UNAVAIL"}, {TryAgain, "TRYAGAIN"},
}

// Hosts returns the hosts line of a file, as glibc reads it. The error is a
// *SyntaxError, whichever database it is about. Of a file that does not exist
// the text is nil.
func Hosts(text []byte) (Line, error) {
	line := Line{Services: []Service{{Name: Files}, {Name: DNS}}}
	for l := range lines(text) {
		if l.terminated && slices.Contains(databases, l.database) {
			words, wrong := split(l.value)
			if wrong != "" {
				return Line{}, &SyntaxError{l.number, l.database, wrong}
			}
			if l.database == "hosts" {
				if line.Number > 0 {
					line.Ignored = append(line.Ignored, line.Number)
				}
				line.Number, line.Services = l.number, services(words)
			}
			continue
		}
		if l.database == "hosts" {
			line.Ignored = append(line.Ignored, l.number)
		}
	}
	return line, nil
}

func services(words []word) []Service {
	list := make([]Service, len(words))
	for i, w := range words {
		list[i] = w.service
	}
	return list
}

// raw is one line of a file.
type raw struct {
	number     int
	start, end int // in the text, without the line break
	terminated bool
	database   string // its first word, whatever that is
	value      string // what follows the colon, up to a NUL byte
	offset     int    // of the value in the text
	bare       bool   // nothing is between the two
}

// lines goes through the lines of a text.
func lines(text []byte) func(yield func(raw) bool) {
	return func(yield func(raw) bool) {
		start, number := 0, 0
		for line := range bytes.Lines(text) {
			number++
			l := raw{number: number, start: start, end: start + len(line)}
			start += len(line)
			content, terminated := bytes.CutSuffix(line, []byte("\n"))
			if l.terminated = terminated; terminated {
				l.end--
			}
			l.take(string(content))
			if !yield(l) {
				return
			}
		}
	}
}

// take finds the name of the database and its value. A name ends at a colon or
// at a space, and any number of either may follow.
func (l *raw) take(content string) {
	content, _, _ = strings.Cut(content, "\x00")
	rest := strings.TrimLeft(content, space)
	end := strings.IndexAny(rest, space+":")
	switch {
	case end == 0:
		return // no name
	case end < 0 && l.terminated:
		end = len(rest) // the line break ends it
	case end < 0:
		return
	}
	l.database, l.bare = rest[:end], rest[end:] == ""
	l.value = strings.TrimLeft(rest[end:], space+":")
	l.offset = l.start + len(content) - len(l.value)
}

// space is what separates words.
const space = " \t\n\v\f\r"

// word is a service with its position in the value.
type word struct {
	service Service
	start   int // of the name
	named   int // the end of the name
	end     int // the end of the brackets, if there are any
}

// split parses a value, or returns what is wrong with it.
func split(value string) (words []word, wrong string) {
	at := 0
	for {
		at += indent(value[at:])
		name := value[at:]
		if end := strings.IndexAny(name, space+"["); end >= 0 {
			name = name[:end]
		}
		if name == "" { // the end, or brackets that follow no name
			return words, ""
		}
		w := word{service: Service{Name: name}, start: at, named: at + len(name), end: at + len(name)}
		at = w.end + indent(value[w.end:])
		if strings.HasPrefix(value[at:], "[") {
			var size int
			if w.service.Actions, size, wrong = actions(value[at:]); wrong != "" {
				return nil, wrong
			}
			at += size
			w.end = at
		}
		words = append(words, w)
	}
}

// actions parses brackets, and returns how long they are.
func actions(value string) (list []Action, size int, wrong string) {
	rest := value[1:] // without the bracket
	for {
		rest = rest[indent(rest):]
		var a Action
		if a.Not = strings.HasPrefix(rest, "!"); a.Not {
			rest = rest[1:]
		}
		if a.Status, rest = cutName(rest, space+"=]"); !isStatus(a.Status) {
			return nil, 0, fmt.Sprintf("%.40q is no status; write success, notfound, unavail or tryagain", a.Status)
		}
		rest = rest[indent(rest):]
		if !strings.HasPrefix(rest, "=") {
			return nil, 0, fmt.Sprintf(`"=" is missing behind %s`, a.Status)
		}
		rest = rest[1:]
		if a.Do, rest = cutName(rest[indent(rest):], space+"=]"); a.Do != Return && a.Do != Continue && a.Do != Merge {
			return nil, 0, fmt.Sprintf("%.40q is no action; write return or continue", a.Do)
		}
		list = append(list, a)
		rest = rest[indent(rest):]
		if strings.HasPrefix(rest, "]") {
			return list, len(value) - len(rest) + 1, ""
		}
		if rest == "" {
			return nil, 0, `"]" is missing`
		}
	}
}

// cutName takes what comes before one of the ends, in lower case.
func cutName(text, ends string) (name, rest string) {
	end := strings.IndexAny(text, ends)
	if end < 0 {
		end = len(text)
	}
	return lower(text[:end]), text[end:]
}

// lower changes the case of ASCII letters only, as glibc does with them.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func isStatus(name string) bool {
	for _, s := range statuses {
		if s.canonical == name {
			return true
		}
	}
	return false
}

// indent counts the spaces that text begins with.
func indent(text string) int { return len(text) - len(strings.TrimLeft(text, space)) }
