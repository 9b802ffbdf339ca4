package osfile

import (
	"time"

	"golang.org/x/sys/unix"
)

// settled is how old the last change of a file must be for its stamp to differ
// after the next one: the clock of file systems has a coarse grain.
const settled = 2 * time.Second

// Stamp changes when a file is written to or replaced. No file has the zero
// value.
type Stamp struct {
	device, inode uint64
	size          int64
	changed       unix.Timespec
}

// StampOf returns the stamp of a file with this stat result.
func StampOf(s *unix.Stat_t) Stamp {
	return Stamp{uint64(s.Dev), s.Ino, s.Size, s.Ctim}
}

// AsOf returns the stamp if it was old enough at that time to differ after any
// further change, and else the zero value.
func (s Stamp) AsOf(now time.Time) Stamp {
	if now.Sub(time.Unix(s.changed.Unix())) < settled {
		return Stamp{}
	}
	return s
}
