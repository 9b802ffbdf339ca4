package testkit

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// Log keeps what a logger or a process writes, and can be read meanwhile. The
// zero value is empty. Its methods may be called concurrently.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Has reports whether a text was written.
func (l *Log) Has(text string) bool { return strings.Contains(l.String(), text) }

// Count is how often a text was written.
func (l *Log) Count(text string) int { return strings.Count(l.String(), text) }

// Logger writes to the Log, from level info on.
func (l *Log) Logger() *slog.Logger { return l.LoggerFrom(slog.LevelInfo) }

// LoggerFrom writes to the Log from another level on.
func (l *Log) LoggerFrom(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: level}))
}
