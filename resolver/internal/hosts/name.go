package hosts

import (
	"bytes"
	"errors"
	"strings"
)

// The length limits of a label and of a name in wire form (RFC 1035, section
// 2.3.4).
const (
	maxLabel = 63
	maxName  = 255
)

// The reasons why a word is not a host name.
var (
	errEmptyLabel = errors.New("it has an empty label")
	errLongLabel  = errors.New("a label of it has more than 63 characters")
	errLongName   = errors.New("it has more than 253 characters")
	errCharacter  = errors.New("want letters, digits, hyphens, underscores and dots; others in their xn-- form")
)

// appendName appends the wire form of a host name in lower case, by which names
// are compared. It may have a dot at its end. Underscores are not allowed in host
// names (RFC 1123, section 2.1), but many machines have them.
func appendName(dst, text []byte) ([]byte, error) {
	if n := len(text); n > 1 && text[n-1] == '.' {
		text = text[:n-1]
	}
	if len(text) > maxName-2 {
		return dst, errLongName
	}
	length := len(dst) // where the length of the current label goes
	dst = append(dst, 0)
	end := func() error {
		switch n := len(dst) - length - 1; {
		case n == 0:
			return errEmptyLabel
		case n > maxLabel:
			return errLongLabel
		default:
			dst[length] = byte(n)
			length = len(dst)
			dst = append(dst, 0)
			return nil
		}
	}
	for _, c := range text {
		switch {
		case c == '.':
			if err := end(); err != nil {
				return dst, err
			}
		case c >= 'A' && c <= 'Z':
			dst = append(dst, c|0x20)
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			dst = append(dst, c)
		default:
			return dst, errCharacter
		}
	}
	// The zero that follows the last label is the root's.
	return dst, end()
}

// spell gives a name in wire form the letters of the text that it was made of.
func spell(name, text []byte) []byte {
	for i, c := range text {
		if c != '.' {
			name[1+i] = c // the length of the first label is before it, those of others are where dots were
		}
	}
	return name
}

// isLower reports whether a text is spelled as names are compared.
func isLower(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' })
}

// hostName is the text of a name in wire form, without a dot at its end.
func hostName(name []byte) string {
	var text strings.Builder
	for ; name[0] != 0; name = name[1+name[0]:] {
		if text.Len() > 0 {
			text.WriteByte('.')
		}
		text.Write(name[1 : 1+name[0]])
	}
	return text.String()
}
