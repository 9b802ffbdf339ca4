package hosts

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/osfile"
)

// Config selects the file to follow.
type Config struct {
	// Root is put before Path, and is where an absolute symlink starts from;
	// an empty one is "/".
	Root string
	// Path of the file, absolute. It need not exist.
	Path string
	// Zone determines which names in the file have no effect.
	Zone Zone
	// Changed is called when the table has been replaced; nil is not called.
	Changed func()
	// Logger of changes and of what is wrong with the file; nil discards it.
	Logger *slog.Logger
}

// File follows a hosts file. Look and Run must be called from one goroutine,
// the other methods from any.
type File struct {
	cfg      Config
	excluded *excluded
	log      *slog.Logger
	limit    int // of pairs of a name and an address
	stamp    osfile.Stamp
	current  atomic.Pointer[state]
}

// state is the current state of the file.
type state struct {
	table   *Table // nil before it was read for the first time
	problem string // why the file as it is now cannot be used, or ""
}

// New returns a File that has not been read yet.
func New(cfg Config) *File {
	f := &File{
		cfg:      cfg,
		excluded: cfg.Zone.excluded(),
		log:      cfg.Logger,
		limit:    maxPairs,
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.current.Store(&state{})
	return f
}

// Table is the last usable content of the file: the same pointer as long as the
// user's lines are the same. It is nil, an empty Table, before the first Look
// and for a nil File.
func (f *File) Table() *Table {
	if f == nil {
		return nil
	}
	return f.current.Load().table
}

// Path is where the file is, with the root in front.
func (f *File) Path() string { return filepath.Join(f.cfg.Root, f.cfg.Path) }

// Reports are what is wrong with the file: why it cannot be used as it is now,
// and then which lines are ignored.
func (f *File) Reports() []Report {
	s := f.current.Load()
	var reports []Report
	if s.problem != "" {
		reports = append(reports, Report{Problem: s.problem})
	}
	if s.table != nil {
		reports = append(reports, s.table.all()...)
	}
	return reports
}

// Summary summarizes the file as it was parsed.
func (f *File) Summary() Summary {
	if f == nil {
		return Summary{Problems: []string{}}
	}
	s := f.current.Load()
	summary := Summary{Names: s.table.Len(), Problems: []string{}, Unusable: s.problem}
	if s.table != nil {
		summary.Ignored, summary.Problems = s.table.count, s.table.first()
	}
	return summary
}

// Run follows the file until ctx ends, and returns nil then. A change is in the
// Table within a second. A problem with the file is no error: it is reported,
// and the file is read again when it changes.
func (f *File) Run(ctx context.Context) error {
	follower := follow.Follower{Root: f.cfg.Root, Files: []string{f.cfg.Path}, Logger: f.log}
	follower.Run(ctx, f.Look)
	return nil
}

// Look reads the file if it may have changed.
func (f *File) Look() {
	text, stamp, err := read(f.cfg.Root, f.cfg.Path, f.stamp)
	if errors.Is(err, errUnchanged) {
		return
	}
	f.stamp = stamp
	if err != nil {
		f.refuse(err)
		return
	}
	old, sum := f.current.Load(), digest(text)
	if old.table != nil && sum == old.table.digest {
		f.current.Store(&state{table: old.table})
		return
	}
	table, err := parse(text, f.excluded, f.limit)
	if err != nil {
		f.refuse(err)
		return
	}
	table.path, table.digest = f.Path(), sum
	f.current.Store(&state{table: table})
	if f.cfg.Changed != nil {
		f.cfg.Changed()
	}
	f.logChange(old.table, table)
}

// digest is of the user's lines, and of their numbers too because
// the reports have those. Our own writes to the file change neither, as long as
// our block is behind them.
func digest(content []byte) (sum Digest) {
	h := sha256.New()
	var numbers [16]byte
	for s := range hostsformat.Sections(content) {
		if s.IsBlock() {
			continue
		}
		binary.LittleEndian.PutUint64(numbers[:], uint64(s.TextLine()))
		binary.LittleEndian.PutUint64(numbers[8:], uint64(len(s.Text)))
		_, _ = h.Write(numbers[:]) // never fails
		_, _ = h.Write(s.Text)
	}
	h.Sum(sum[:0])
	return sum
}

// refuse keeps the last table when the file cannot be used.
func (f *File) refuse(err error) {
	old := f.current.Load()
	now := &state{table: old.table, problem: "the hosts file cannot be used, and what was known of it stands: " + err.Error()}
	f.current.Store(now)
	if now.problem != old.problem {
		f.log.Warn("the hosts file cannot be used, and what was known of it stands", "path", f.Path(), "error", err)
	}
}

func (f *File) logChange(old, now *Table) {
	f.log.Info("hosts file read", "path", f.Path(), "names", now.Len())
	if now.count == 0 || old != nil && now.same(&old.problems) {
		return
	}
	f.log.Warn("some lines or names of the hosts file do not count in the DNS",
		"path", f.Path(), "count", now.count, "first", now.problems.first())
}
