package resolvconf

import (
	"fmt"
	"time"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/internal/retry"
)

// A program that a file was left to has to be quiet for minQuiet or half of it
// before the file is taken back, and longer each time, up to maxQuiet.
const (
	minQuiet = 8 * time.Minute
	maxQuiet = time.Hour
)

// left is whether the file is left to a program that overwrote it too often.
type left struct {
	reason error // nil: it is not
	quiet  time.Duration
	stamp  osfile.Stamp // of the file as that program wrote it last
	until  time.Time    // when the file is taken back if it stays so

	pauses retry.Backoff
	ended  time.Time
}

func newLeft() left { return left{pauses: retry.Backoff{First: minQuiet, Max: maxQuiet}} }

// begin leaves the file to a program.
func (l *left) begin(at time.Time, by string) {
	if at.Sub(l.ended) >= maxQuiet {
		l.pauses.Reset()
	}
	l.quiet = max(l.pauses.Next().Round(time.Minute), time.Minute)
	l.reason = fmt.Errorf("resolv.conf was overwritten %d times within %v, last by %s, and is left to it until it has been quiet for %v; "+
		"%s, and run nodedns reload, or set files.resolv_conf_mode to off", maxOverwrites, overwriteWindow, by, l.quiet, Remedy(by))
}

// wait is how long the file stays left to it at least, as it is now; 0 is no
// longer.
func (l *left) wait(at time.Time, now managed.Content) time.Duration {
	if stamp := now.Stamp(); stamp != l.stamp || l.until.IsZero() {
		l.stamp, l.until = stamp, at.Add(l.quiet)
	}
	return max(l.until.Sub(at), 0)
}

// end ends it.
func (l *left) end(at time.Time) { *l = left{pauses: l.pauses, ended: at} }
