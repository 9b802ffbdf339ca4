package integration

import (
	"bytes"
	"sync"
)

// logbook keeps what a process writes, for a reader that does not wait for its
// end. The zero value is empty.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write may be called from any goroutine, as String may.
func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
