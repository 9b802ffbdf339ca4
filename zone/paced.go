package zone

import (
	"iter"
	"time"
)

const (
	// stretch is how many nodes a reader looks at between two pauses: a third
	// of a millisecond of work, as saving and logging go.
	stretch = 1024
	// breath is how long a pause is. It is longer than the stretches of two
	// other readers, or several of them would pass the processor among
	// themselves. A million nodes take half a second of pauses.
	breath = 500 * time.Microsecond
)

// Paced yields what seq does, with short pauses. It is for whoever goes
// through all of a large zone, or many changes of it, on a machine that answers
// queries meanwhile. With a single processor Go lets a goroutine work for 10 ms
// before another has its turn, and does not even look whether a query has come
// while any is ready to run: runtime.Gosched would not help, and a sleep does.
func Paced[T any](seq iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		n := 0
		for item := range seq {
			if n++; n%stretch == 0 {
				time.Sleep(breath)
			}
			if !yield(item) {
				return
			}
		}
	}
}
