package config

import (
	"encoding"
	"log/slog"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// optional lets a value be empty, which is the zero value, and leaves others
// to parse.
func optional[T any](parse func(string) (T, error)) func(string) (T, error) {
	return func(s string) (T, error) {
		if s == "" {
			var zero T
			return zero, nil
		}
		return parse(s)
	}
}

// unmarshal is the parse function of a type that reads its own text.
func unmarshal[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](s string) (v T, err error) {
	err = P(&v).UnmarshalText([]byte(s))
	return v, err
}

// oneOf accepts exactly the given words.
func oneOf[T ~string](words ...T) func(string) (T, error) {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = strconv.Quote(string(word))
	}
	return func(s string) (T, error) {
		for _, word := range words {
			if s == string(word) {
				return word, nil
			}
		}
		return "", expected("one of %s", strings.Join(quoted, ", "))
	}
}

// level parses the names of log levels. The offsets that slog takes too
// ("info+2") are refused: no line of ours has such a level.
func level(s string) (slog.Level, error) {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if s == strings.ToLower(l.String()) {
			return l, nil
		}
	}
	return 0, expected(`one of "debug", "info", "warn", "error"`)
}

// duration parses a time that is not negative.
func duration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, expected(`a duration such as "90s", "10m" or "1h30m"`)
	}
	return d, nil
}

// maxLabelKey is what a domain, a slash and a name take, in octets.
const maxLabelKey = 253 + 1 + 63

// labelKey parses the key of a node's label. Each kind of cluster has rules of its
// own for them; what none has is most likely a mistake.
func labelKey(s string) (string, error) {
	const usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/"
	unusual := func(r rune) bool { return !strings.ContainsRune(usual, r) }
	if len(s) > maxLabelKey || strings.ContainsFunc(s, unusual) || strings.Count(s, "/") > 1 || strings.Trim(s, "/") != s {
		return "", expected(`letters, digits, dots, hyphens and underscores, and one slash at most, such as "nodedns/name"`)
	}
	return s, nil
}

// maxTTL is the largest TTL that a record can have (RFC 2181, section 8).
const maxTTL = math.MaxInt32 * time.Second

// ttl parses what fits into a record's TTL, which counts seconds.
func ttl(s string) (time.Duration, error) {
	d, err := duration(s)
	if err != nil || d > maxTTL || d%time.Second != 0 {
		return 0, expected(`whole seconds from "0s" on, such as "10s"`)
	}
	return d, nil
}

// The bounds of upstream.timeout. Every query is answered within 4 s, so that a
// longer one would have no effect; below a tenth of a second, distant servers
// would seem down.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 4 * time.Second
)

// timeout parses how long an upstream may take.
func timeout(s string) (time.Duration, error) {
	d, err := duration(s)
	if err != nil || d < minTimeout || d > maxTimeout {
		return 0, expected(`a duration from "100ms" to "4s"`)
	}
	return d, nil
}

// size parses a number of bytes with a binary unit.
func size(s string) (int64, error) {
	digits, shift := s, 0
	for unit, bits := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if before, ok := strings.CutSuffix(s, unit); ok {
			digits, shift = before, bits
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63-shift)
	if err != nil {
		return 0, expected(`a number of bytes with KiB, MiB or GiB, such as "16MiB"`)
	}
	return int64(n << shift), nil
}

// absolute parses the name of a file or directory, whose working directory a
// daemon does not have: it is absolute.
func absolute(s string) (string, error) {
	if !filepath.IsAbs(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", expected("an absolute path, such as /etc/name")
	}
	return filepath.Clean(s), nil
}

// maxSocketPath is what sockaddr_un holds, without the final NUL (unix(7)).
const maxSocketPath = 107

// socket parses the name of a UNIX socket.
func socket(s string) (string, error) { return shortPath(s, maxSocketPath) }

// varlinkSocket parses the name of a socket beside which there is another one
// for monitors, whose name is longer.
func varlinkSocket(s string) (string, error) { return shortPath(s, maxSocketPath-len(".Monitor")) }

func shortPath(s string, limit int) (string, error) {
	p, err := absolute(s)
	if err != nil {
		return "", err
	}
	if len(p) > limit {
		return "", expected("at most %d characters, the limit of a UNIX socket's path", limit)
	}
	return p, nil
}
