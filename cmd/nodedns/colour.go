package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// colour is a state, as a terminal shows it.
type colour string

const (
	plain colour = ""
	good  colour = "\x1b[32m" // green
	fair  colour = "\x1b[33m" // yellow: undesirable, but no failure
	bad   colour = "\x1b[31m" // red
)

// uncoloured ends a colour.
const uncoloured = "\x1b[0m"

// paint colours a text for a cell of a table, which omits the colour where
// colours are off.
func (c colour) paint(text string) string {
	if c == plain || text == "" {
		return text
	}
	return string(c) + text + uncoloured
}

// standings are the colours of the words for states and outcomes. Words that
// are neither good nor bad are not here.
var standings = map[string]colour{
	// the daemon
	"ready": good, "starting": fair, "not ready": fair, "degraded": bad,
	"healthy": good, "unhealthy": bad,
	// the curator, and the credentials for it
	"connected": good, "connecting": fair, "syncing": fair, "waiting for credentials": fair,
	"bad credentials": bad, "backing off": bad, "refused": bad,
	"unauthorized": bad, "removed": bad,
	"valid": good, "not valid yet": fair, "expired": bad,
	// upstreams
	"good": good, "doubtful": fair, "down": bad, "looping": bad,
	// nodes
	"up": good, "new": fair, "standby": fair, "decommissioned": fair, "departed": fair, "contested": bad,
	// listeners, and what verify and doctor find
	"waiting": fair, "equal": good, "differs": bad, "failed": bad, "problem": bad, "warning": fair,
	// response codes
	"NOERROR": good, "NODATA": fair, "NXDOMAIN": fair, "SERVFAIL": bad, "REFUSED": bad, "FORMERR": bad, "NOTIMP": bad,
	// what the steps of a decision, and the C library's services, come to
	"settled": good, "forwarded": good, "not asked": fair,
	"success": good, "notfound": fair, "unavail": fair, "tryagain": bad,
}

// standing returns a word in the colour of the state that it names.
func standing(word string) string { return standings[word].paint(word) }

// isColourful reports whether output to a writer is coloured: on a terminal
// that supports them, unless NO_COLOR is set (no-color.org).
func isColourful(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// withColours and withoutColours are what is written of a cell's text. Control
// characters that are not ours are spelled out: some texts are from other
// servers, and a terminal may react to them in any way.
var (
	withColours    = strings.NewReplacer(append(ourSequences(func(c string) string { return c }), controls()...)...)
	withoutColours = strings.NewReplacer(append(ourSequences(func(string) string { return "" }), controls()...)...)
)

// shown is a cell's text as it is written.
func shown(text string, colours bool) string {
	switch {
	case !strings.ContainsFunc(text, isUnsafe): // nearly all
		return text
	case colours:
		return spelled(withColours.Replace(text))
	}
	return spelled(withoutColours.Replace(text))
}

// isUnsafe reports whether a character may do something other than being
// displayed, or is no character at all.
func isUnsafe(r rune) bool { return unicode.IsControl(r) || isInvisible(r) }

// isInvisible is for what reorders, hides or breaks the text around it, as the
// marks for writing from right to left do, and for bytes that are not UTF-8: some
// terminals take them for control characters.
func isInvisible(r rune) bool {
	return r == utf8.RuneError || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// spelled spells out what is invisible.
func spelled(text string) string {
	if !strings.ContainsFunc(text, isInvisible) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case isInvisible(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String()
}

// ourSequences are pairs for a Replacer. They come before the controls, since
// the first match wins.
func ourSequences(become func(string) string) (pairs []string) {
	for _, sequence := range []string{string(good), string(fair), string(bad), uncoloured} {
		pairs = append(pairs, sequence, become(sequence))
	}
	return pairs
}

// controls are the control characters of Unicode (C0, DEL and C1), and how they
// are written.
func controls() (pairs []string) {
	for r := range rune(0xa0) {
		if unicode.IsControl(r) {
			pairs = append(pairs, string(r), fmt.Sprintf(`\x%02x`, r))
		}
	}
	return pairs
}
