package hostsformat

import (
	"bytes"
	"errors"
	"iter"
	"net/netip"
)

// NextLine returns the first line with its newline, which the last of a file
// may lack.
func NextLine(lines []byte) []byte {
	if i := bytes.IndexByte(lines, '\n'); i >= 0 {
		return lines[:i+1]
	}
	return lines
}

// Lines yields the lines of a text with their numbers, of which the first is
// given.
func Lines(first int, text []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for number := first; len(text) > 0; number++ {
			line := NextLine(text)
			text = text[len(line):]
			if !yield(number, line) {
				return
			}
		}
	}
}

// Fields returns the first word of a line, which should be an address, and what
// follows it, which is for [Names]. Both are empty where there is a comment at
// most. It allocates nothing.
func Fields(line []byte) (address, names []byte) {
	for _, end := range []byte{'#', 0} {
		if i := bytes.IndexByte(line, end); i >= 0 {
			line = line[:i]
		}
	}
	return nextWord(line)
}

// nextWord returns the first word, which is empty where there is none, and what
// follows it.
func nextWord[T ~string | ~[]byte](text T) (word, rest T) {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	for i := range len(text) {
		if isSpace(text[i]) {
			return text[:i], text[i:]
		}
	}
	return text, text[len(text):]
}

// Names yields the names of a line, the canonical one first.
func Names[T ~string | ~[]byte](names T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for name, rest := nextWord(names); len(name) > 0; name, rest = nextWord(rest) {
			if !yield(name) {
				return
			}
		}
	}
}

// HasName reports whether the names of a line have this one, in any case.
func HasName(names, name []byte) bool {
	for n, rest := nextWord(names); len(n) > 0; n, rest = nextWord(rest) {
		if equalFold(n, name) {
			return true
		}
	}
	return false
}

// equalFold compares as strcasecmp(3) does: only ASCII has a case.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// ErrScope is the reason why an address with a scope is invalid.
var ErrScope = errors.New("an address with a scope")

// ParseAddr reads an address as inet_pton(3) does.
func ParseAddr(word []byte) (netip.Addr, error) {
	addr, err := netip.ParseAddr(string(word))
	if err == nil && addr.Zone() != "" {
		return addr, ErrScope
	}
	return addr, err
}

// Entry is a line that counts.
type Entry struct {
	Line  int // its number, from 1
	Addr  netip.Addr
	names []byte
}

// Names yields the names, the canonical one first. There may be none: glibc
// still finds the address, with an empty name.
func (e Entry) Names() iter.Seq[[]byte] { return Names(e.names) }

// HasName reports whether the line has a name, in any case.
func (e Entry) HasName(name []byte) bool { return HasName(e.names, name) }

// Entries yields the lines of a text that count, of which the first has this
// number.
func Entries(first int, text []byte) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for number, line := range Lines(first, text) {
			word, names := Fields(line)
			if len(word) == 0 {
				continue
			}
			if addr, err := ParseAddr(word); err == nil && !yield(Entry{number, addr, names}) {
				return
			}
		}
	}
}

// Lookup returns the addresses that a text has for a name, in the order of
// their lines. It compares the name first, as most lines have another.
func Lookup(text []byte, name string) []netip.Addr {
	var found []netip.Addr
	for wanted := []byte(name); len(text) > 0; {
		line := NextLine(text)
		text = text[len(line):]
		word, names := Fields(line)
		if !HasName(names, wanted) {
			continue
		}
		if addr, err := ParseAddr(word); err == nil {
			found = append(found, addr)
		}
	}
	return found
}
