package zone

import (
	"iter"
	"time"
)

const (
	// batchSize is how many nodes a reader looks at between two pauses: a third
	// of a millisecond of work when saving or logging.
	batchSize = 1024
	// yieldTime is how long a pause is. It is longer than the batches of two
	// other readers, or several of them would only pass the processor to each
	// other. A million nodes take half a second of pauses.
	yieldTime = 500 * time.Microsecond
)

// Paced yields what seq does, with short pauses. It is for callers that go
// through all of a large zone, or many changes of it, on a machine that answers
// queries meanwhile. With a single processor Go lets a goroutine work for 10 ms
// before another has its turn, and does not even look whether a query has come
// while any is ready to run: runtime.Gosched would not help, and a sleep does.
func Paced[T any](seq iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		n := 0
		for item := range seq {
			if n++; n%batchSize == 0 {
				time.Sleep(yieldTime)
			}
			if !yield(item) {
				return
			}
		}
	}
}
