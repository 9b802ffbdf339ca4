package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
)

// newLogger logs to w, and marks the lines with their priorities where that is
// journald.
func newLogger(w io.Writer, format config.LogFormat, level slog.Leveler) *slog.Logger {
	inJournal := isJournald(w)
	options := &slog.HandlerOptions{Level: level}
	handler := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }
	switch {
	case format == config.LogJSON:
		handler = func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) }
	case inJournal:
		options.ReplaceAttr = withoutTime // journald adds its own
	}
	if inJournal {
		return slog.New(newJournaldHandler(w, handler))
	}
	return slog.New(handler(w))
}

// isJournald reports whether w leads to systemd-journald: JOURNAL_STREAM names
// the device and inode of its socket (systemd.exec(5)). The variable is
// inherited by programs whose output goes elsewhere, so its presence alone
// proves nothing.
func isJournald(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return false
	}
	return os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// journaldHandler writes each line after its priority, which journald strips
// (sd-daemon(3)). JSON stays JSON for readers of the journal.
//
// A record is one line whatever its values have: both formats of slog escape
// what would break it.
type journaldHandler [len(priorities)]slog.Handler

// priorities are the prefixes by the least level that they stand for.
var priorities = [...]struct {
	least  slog.Level
	prefix string
}{
	{slog.LevelError, "<3>"},
	{slog.LevelWarn, "<4>"},
	{slog.LevelInfo, "<6>"},
	{slog.LevelDebug, "<7>"},
}

// newJournaldHandler writes to w, which must take concurrent writes.
func newJournaldHandler(w io.Writer, handler func(io.Writer) slog.Handler) (j journaldHandler) {
	for i, p := range priorities {
		j[i] = handler(&prefixed{w, p.prefix})
	}
	return j
}

// of is the handler for a level.
func (j journaldHandler) of(level slog.Level) slog.Handler {
	for i, p := range priorities {
		if level >= p.least {
			return j[i]
		}
	}
	return j[len(j)-1]
}

// Enabled implements [slog.Handler].
func (j journaldHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return j.of(level).Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (j journaldHandler) Handle(ctx context.Context, r slog.Record) error {
	return j.of(r.Level).Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (j journaldHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i := range j {
		j[i] = j[i].WithAttrs(attrs)
	}
	return j
}

// WithGroup implements [slog.Handler].
func (j journaldHandler) WithGroup(name string) slog.Handler {
	for i := range j {
		j[i] = j[i].WithGroup(name)
	}
	return j
}

// prefixed writes lines with something before them. Each is one write, so that
// lines of several goroutines do not mix.
type prefixed struct {
	to     io.Writer
	prefix string
}

func (p *prefixed) Write(line []byte) (int, error) {
	n, err := p.to.Write(append([]byte(p.prefix), line...))
	return max(0, n-len(p.prefix)), err
}
