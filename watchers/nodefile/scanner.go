package nodefile

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// scanner walks over a text that is valid JSON, so that it need not look for
// mistakes of syntax. It knows its position, which package json does not, and
// makes nothing of what it walks over.
type scanner struct {
	text      []byte
	at        int
	line      int // of at, from 1
	lineStart int // where it begins
}

func newScanner(text []byte) *scanner { return &scanner{text: text, line: 1} }

// next returns the first byte of what comes next, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case '\n':
			s.line, s.lineStart = s.line+1, s.at+1
		case ' ', '\t', '\r':
		default:
			return c
		}
	}
	return 0
}

// mark is the place of what comes next.
func (s *scanner) mark() mark {
	s.next()
	return mark{s.line, s.lineStart, s.at}
}

func (s *scanner) fail(at mark, wanted string) error {
	return failAt(at.in(s.text), "want %s", wanted)
}

// take skips a byte if it comes next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// expect skips a byte that has to come next, and reports what is wanted otherwise.
func (s *scanner) expect(c byte, wanted string) error {
	if !s.take(c) {
		return s.fail(s.mark(), wanted)
	}
	return nil
}

// array calls each for each element of the array that comes next, which has to
// walk over it.
func (s *scanner) array(wanted string, each func() error) error {
	if err := s.expect('[', wanted); err != nil || s.take(']') {
		return err
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if !s.take(',') {
			return s.expect(']', "the end of the array")
		}
	}
}

// object calls each for each key of the object that comes next, which has to walk
// over the value.
func (s *scanner) object(wanted string, each func(at mark, key []byte) error) error {
	if err := s.expect('{', wanted); err != nil || s.take('}') {
		return err
	}
	for {
		at := s.mark()
		key, ok := s.string()
		if !ok || !s.take(':') {
			return s.fail(at, "a key")
		}
		if err := each(at, key); err != nil {
			return err
		}
		if !s.take(',') {
			return s.expect('}', "the end of the object")
		}
	}
}

// oneText calls take for the string that comes next.
func (s *scanner) oneText(wanted string, take func(at mark, text []byte)) error {
	at := s.mark()
	text, ok := s.string()
	if !ok {
		return s.fail(at, wanted)
	}
	take(at, text)
	return nil
}

// texts calls each for each string of the array that comes next.
func (s *scanner) texts(wanted string, each func(at mark, text []byte)) error {
	return s.array(wanted, func() error { return s.oneText("a text", each) })
}

// string returns the string that comes next, if it is one.
func (s *scanner) string() ([]byte, bool) {
	if s.next() != '"' {
		return nil, false
	}
	start, escaped := s.at, false
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			escaped = true
			s.at++
		case '"':
			s.at++
			return unquote(s.text[start:s.at], escaped)
		}
	}
	return nil, false
}

func unquote(quoted []byte, escaped bool) ([]byte, bool) {
	if !escaped {
		return quoted[1 : len(quoted)-1], true
	}
	var text string
	err := json.Unmarshal(quoted, &text)
	return []byte(text), err == nil
}

// positionOf is that of an offset in a text.
func positionOf(text []byte, offset int) position {
	before := text[:min(offset, len(text))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return position{1 + bytes.Count(before, []byte{'\n'}), 1 + utf8.RuneCount(line)}
}

// firstInvalid is the offset of the first byte that is not UTF-8.
func firstInvalid(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return len(text)
}
