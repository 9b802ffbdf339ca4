package managed

import "strings"

// steady is an error whose text is the same for each attempt: callers log a
// repeated error once, and the random part of a temporary file's name would make
// each a new one.
type steady struct {
	err    error
	prefix string // what such a name begins with
}

// steadily is nil for nil.
func steadily(err error, prefix string) error {
	if err == nil {
		return nil
	}
	return steady{err, prefix}
}

func (s steady) Unwrap() error { return s.err }

func (s steady) Error() string {
	parts := strings.Split(s.err.Error(), s.prefix)
	for i, rest := range parts[1:] {
		if cut := strings.TrimLeft(rest, "0123456789"); len(cut) < len(rest) {
			parts[i+1] = "*" + cut
		}
	}
	return strings.Join(parts, s.prefix)
}
