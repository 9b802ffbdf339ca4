package nodefile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/zone"
)

const (
	// settled is how long a file must have been the same before it is read: it
	// may be written in place.
	settled = 100 * time.Millisecond
	// maxUnsettled is how long that may go on: a file that is written to all the
	// time is read nevertheless.
	maxUnsettled = 10 * time.Second
	// maxSize bounds a file: with the most nodes that a zone holds it has less.
	maxSize = 256 << 20
)

// file is one file of nodes.
type file struct {
	path   string
	limit  int64         // of its size
	settle time.Duration // how long it must have been the same

	stamp     osfile.Stamp // of what was read last; zero: it is to be read again
	unsettled struct {
		stamp osfile.Stamp // as of the last look
		since time.Time    // that it has it
		first time.Time    // since when it changes all the time
	}
	known    bool // it was read, though perhaps in vain
	hash     [sha256.Size]byte
	broken   [sha256.Size]byte // of content that cannot be used
	modified time.Time         // when what the content is from was written
	content  *content          // the last that can be used; nil: none yet
	err      error             // why the file as it is now cannot be used

	merged problems // how it fits to the other files and this machine
	logged problems // those that were logged last
}

// event is what a look at a file has found.
type event uint8

const (
	unchanged event = iota
	changed         // the content is another one
	failed          // it cannot be used, for another reason than before
	recovered       // it can be used again, and is what it was before
)

// look reads the file if it has changed and is settled. If it is not, wait is the
// time after which to look again.
func (f *file) look(prefix zone.Prefix, now time.Time) (e event, wait time.Duration) {
	opened, stat, err := osfile.Open(f.path)
	if err != nil {
		f.stamp = osfile.Stamp{}
		return f.fail(err), 0
	}
	defer opened.Close()
	stamp := osfile.StampOf(&stat)
	if f.known && stamp == f.stamp {
		return unchanged, 0
	}
	if wait := f.settling(stamp, &stat, now); wait > 0 {
		return unchanged, wait
	}
	text, err := osfile.ReadAll(opened, &stat, f.limit)
	if err == nil && f.isWritten(opened, stamp, now) {
		return unchanged, f.settle
	}
	f.unsettled.first = time.Time{}
	f.stamp = stamp.AsOf(now)
	if err != nil {
		return f.fail(err), 0
	}
	return f.take(text, prefix, time.Unix(stat.Mtim.Unix())), 0
}

// settling returns how long to wait until the file counts as settled. At the first
// look it is since it was changed by the clock of its file system, which may be
// another machine's. Later changes are dated by when they are seen: the clock that
// files are dated by lags on a busy machine, and one that was just emptied, to be
// written, could seem to have been so for long.
func (f *file) settling(stamp osfile.Stamp, stat *unix.Stat_t, now time.Time) time.Duration {
	u := &f.unsettled
	if u.stamp != stamp {
		u.since = now
		if changed := time.Unix(stat.Ctim.Unix()); u.stamp == (osfile.Stamp{}) && changed.Before(now) {
			u.since = changed
		}
		u.stamp = stamp
	}
	wait := f.settle - now.Sub(u.since)
	if wait <= 0 {
		return 0
	}
	if u.first.IsZero() {
		u.first = now
	}
	if now.Sub(u.first) >= maxUnsettled {
		return 0
	}
	return wait
}

// isWritten reports whether the file has changed while it was read, and is to be
// read again.
func (f *file) isWritten(opened *os.File, stamp osfile.Stamp, now time.Time) bool {
	var stat unix.Stat_t
	if err := unix.Fstat(int(opened.Fd()), &stat); err != nil || osfile.StampOf(&stat) == stamp {
		return false
	}
	u := &f.unsettled
	if u.first.IsZero() {
		u.first = now
	}
	return now.Sub(u.first) < maxUnsettled
}

// take has the text of the file be its content, if it can be used.
func (f *file) take(text []byte, prefix zone.Prefix, modified time.Time) event {
	hash := sha256.Sum256(text)
	switch {
	case f.content != nil && hash == f.hash:
		f.modified = modified
		if f.err == nil {
			return unchanged
		}
		f.err = nil
		return recovered
	case f.err != nil && hash == f.broken:
		return unchanged
	}
	parsed, err := parse(f.path, text, prefix)
	if err != nil {
		e := f.fail(err)
		f.broken = hash
		return e
	}
	f.known, f.content, f.hash, f.modified, f.err = true, parsed, hash, modified, nil
	return changed
}

// fail notes why the file as it is now cannot be used.
func (f *file) fail(err error) event {
	var parsing *ParseError
	if !errors.As(err, &parsing) {
		err = osfile.Cause(err)
	}
	was := f.err
	f.known, f.err, f.broken = true, err, [sha256.Size]byte{}
	if was != nil && was.Error() == err.Error() {
		return unchanged
	}
	return failed
}

// isMissing reports whether the last look has found no file.
func (f *file) isMissing() bool { return errors.Is(f.err, fs.ErrNotExist) }

// shortHash is the beginning of the SHA-256 of what is used, as sha256sum has it.
func (f *file) shortHash() string {
	if f.content == nil {
		return ""
	}
	return hex.EncodeToString(f.hash[:6])
}

// problems are all that is wrong with the content.
func (f *file) problems() problems {
	if f.content == nil {
		return problems{}
	}
	return f.content.with(f.merged)
}
