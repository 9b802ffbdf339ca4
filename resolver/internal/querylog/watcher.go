package querylog

import (
	"context"
	"sync"
)

// What a buffer holds.
const (
	maxEntries = 2048
	maxBytes   = 512 << 10 // of replies and texts
)

// Watcher receives queries from its Watch to its Close.
type Watcher struct {
	log  *Log
	wake chan struct{} // there is something to read; holds one

	// mu is held for as long as it takes to copy one entry, or to swap two
	// buffers: no caller waits for a reader.
	mu      sync.Mutex
	filling buffer
	missed  uint64

	reading buffer // of the reader alone
}

// buffer holds entries, and the octets of their replies one behind the other.
type buffer struct {
	entries []Entry
	octets  []byte
	bytes   int // of the octets and texts
}

// fits reports whether there is room for an entry. A single one always fits.
func (b *buffer) fits(bytes int) bool {
	return len(b.entries) < maxEntries && (len(b.entries) == 0 || b.bytes+bytes <= maxBytes)
}

func (b *buffer) add(e *Entry, bytes int) {
	// When the octets have to move, earlier entries keep those they have.
	start := len(b.octets)
	b.octets = append(b.octets, e.Reply...)
	b.bytes += bytes
	b.entries = append(b.entries, *e)
	b.entries[len(b.entries)-1].Reply = b.octets[start:len(b.octets):len(b.octets)]
}

// clear makes room, and drops what the entries refer to.
func (b *buffer) clear() {
	clear(b.entries)
	b.entries, b.octets, b.bytes = b.entries[:0], b.octets[:0], 0
}

// take buffers an entry, or counts it as missed.
func (w *Watcher) take(e *Entry) {
	bytes := e.bytes()
	w.mu.Lock()
	first := len(w.filling.entries) == 0
	if w.filling.fits(bytes) {
		w.filling.add(e, bytes)
	} else {
		w.missed++
		w.log.missed.Add(1)
	}
	w.mu.Unlock()
	if first {
		select {
		case w.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// Next waits until there are entries and returns all of them, in the order in
// which they were published, and how many were missed after the last one for
// lack of room. The entries and their replies are overwritten by the following
// Next. The error is that ctx has ended, also if there are entries.
func (w *Watcher) Next(ctx context.Context) (entries []Entry, missed uint64, err error) {
	w.reading.clear()
	for {
		if ctx.Err() != nil {
			return nil, 0, context.Cause(ctx)
		}
		w.mu.Lock()
		w.filling, w.reading = w.reading, w.filling
		missed, w.missed = w.missed, 0
		w.mu.Unlock()
		if len(w.reading.entries) > 0 {
			return w.reading.entries, missed, nil
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
		}
	}
}

// Close ends the watch. What was not read is lost. It may be called again.
func (w *Watcher) Close() { w.log.leave(w) }
