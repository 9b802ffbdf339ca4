package resolvconf

import (
	"time"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// maxOverwrites within overwriteWindow are too many: two programs must not
	// overwrite each other for ever.
	maxOverwrites   = 10
	overwriteWindow = time.Minute

	// firstPause is how long another program's content stays the first time;
	// then it doubles up to maxPause, so that ten still fit into the window.
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// overwrites count how often another program overwrites what we wrote.
type overwrites struct {
	total  uint64
	by     string      // the last one
	recent []time.Time // those within the window
	due    time.Time   // when to take the file back; zero: it is ours
}

// record counts an overwrite. It reports whether it is the first within the window, and
// whether there were too many.
func (f *overwrites) record(now time.Time, by string) (first, lost bool) {
	for len(f.recent) > 0 && now.Sub(f.recent[0]) >= overwriteWindow {
		f.recent = f.recent[1:]
	}
	f.total++
	f.by = by
	f.recent = append(f.recent, now)
	f.due = now.Add(retry.Pause(len(f.recent), firstPause, maxPause))
	return len(f.recent) == 1, len(f.recent) >= maxOverwrites
}

// pending reports whether the file is still to be taken back.
func (f *overwrites) pending() bool { return !f.due.IsZero() }

// wait is how long until then.
func (f *overwrites) wait(now time.Time) time.Duration {
	if !f.pending() {
		return 0
	}
	return max(f.due.Sub(now), 0)
}

func (f *overwrites) takenOver() { f.due = time.Time{} }

// reset starts over; what was counted stays.
func (f *overwrites) reset() { f.recent, f.due = nil, time.Time{} }
