package nodefile

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/zone"
)

// Config of a [Watcher].
type Config struct {
	// Paths are absolute ones, of files or of directories of them.
	Paths []string
	// ID is this machine's, and Prefix what node IDs begin with.
	ID     zone.ID
	Prefix zone.Prefix
	// Hostname returns this machine's own hostname, as it would be without us, or
	// "". Addresses returns its addresses. Both are called by Run, and may be nil.
	Hostname  func() string
	Addresses func() []netip.Addr
	// Logger may be nil, to discard.
	Logger *slog.Logger
}

// Watcher reports the nodes of files to a zone. Make it with [New]. Run is to be
// called from one goroutine, and the other methods may be from any.
type Watcher struct {
	cfg    Config
	source *zone.Source
	log    *slog.Logger
	limit  int64         // of the size of a file
	settle time.Duration // see file
	batch  int           // how many nodes are handed to the zone at once

	// What only Run uses.
	files    map[string]*file // by path
	reported *merged
	self     *identity
	begun    bool              // the first backlog
	complete bool              // it ended
	unlisted map[string]string // why directories cannot be read, by their paths
	wait     time.Duration     // until a file is to be looked at again; 0: until it changes

	mu     sync.Mutex // guards the following
	paths  []string
	turn   context.CancelFunc // ends the current turn of Run
	status []state
}

// New returns a Watcher that has not read anything yet, and that reports to a
// source for files. The error states what is wrong with a path.
func New(cfg Config, source *zone.Source) (*Watcher, error) {
	if err := Check(cfg.Paths); err != nil {
		return nil, err
	}
	w := &Watcher{
		cfg: cfg, source: source, log: cfg.Logger, limit: maxSize, settle: settled, batch: batchSize,
		files: map[string]*file{}, reported: &merged{match: noMatch}, self: &identity{id: string(cfg.ID)},
		turn: func() {},
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.SetPaths(cfg.Paths)
	return w, nil
}

// Check states what is wrong with the paths of a Config.
func Check(paths []string) error {
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("files of nodes: %q is no absolute path", path)
		}
	}
	return nil
}

// SetPaths changes which files are followed, by paths that have been checked. What
// is only in those that are left out is gone.
func (w *Watcher) SetPaths(paths []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.paths != nil && slices.Equal(w.paths, paths) {
		return
	}
	w.paths = append([]string{}, paths...)
	w.source.Expect(len(paths) > 0)
	w.turn()
}

// Hint reports that Hostname or Addresses may return something else now.
func (w *Watcher) Hint() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn()
}

// Run reads the files and follows them until ctx ends, and returns nil then. What
// is wrong with a file is no error: it is in the status, and the file is read again
// when it changes.
func (w *Watcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		turn, cancel := context.WithCancel(ctx)
		paths := w.beginTurn(cancel)
		follower := follow.Follower{
			Files: w.followed(paths), Logger: w.log,
			Again: func() time.Duration { return w.wait },
		}
		follower.Run(turn, func() {
			w.look(paths)
			if !slices.Equal(follower.Files, w.followed(paths)) {
				cancel()
			}
		})
		cancel()
	}
	return nil
}

// beginTurn returns the current paths. When they, the hostname or the addresses
// change, cancel ends the turn.
func (w *Watcher) beginTurn(cancel context.CancelFunc) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn = cancel
	return w.paths
}

// followed are the paths to follow: a symlink in a directory may lead anywhere.
func (w *Watcher) followed(paths []string) []string {
	all := slices.Clone(paths)
	for path := range w.files {
		all = append(all, path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// look reads what may have changed, and reports it.
func (w *Watcher) look(paths []string) {
	listings := make([]listing, len(paths))
	for i, path := range paths {
		listings[i] = list(path)
	}
	news := w.choose(listings)
	w.wait = 0
	now := time.Now()
	for _, f := range w.inOrder() {
		e, wait := f.look(w.cfg.Prefix, now)
		if f.isMissing() { // since it was listed
			delete(w.files, f.path)
			news = news || f.content != nil
			continue
		}
		if wait > 0 && (w.wait == 0 || wait < w.wait) {
			w.wait = wait
		}
		w.logEvent(f, e)
		news = news || e == changed
	}
	if self := w.identity(); !self.equal(w.self) {
		w.self, news = self, true
	}
	if !w.begun && len(paths) > 0 {
		w.source.Begin()
		w.begun = true
	}
	if news {
		w.report(w.merge(w.inOrder(), w.self))
		w.logProblems()
	}
	w.logUnreadable(listings)
	w.setStatus(listings) // before the zone is ready by them
	if w.begun && !w.complete && w.wait == 0 {
		w.endBacklog(listings)
	}
}

// endBacklog reports that all files were read. Of one that cannot be used nothing is
// known at the start: until it can, the zone is ready, and what was saved stays.
func (w *Watcher) endBacklog(listings []listing) {
	if slices.ContainsFunc(listings, func(l listing) bool { return l.err != nil }) ||
		slices.ContainsFunc(w.inOrder(), func(f *file) bool { return f.content == nil }) {
		w.source.Settle()
		return
	}
	w.source.Complete()
	w.complete = true
}

// choose has the files be those that are listed, and reports whether some are gone
// that had nodes. Those below a directory that cannot be read stay.
func (w *Watcher) choose(listings []listing) (gone bool) {
	listed := map[string]bool{}
	for _, l := range listings {
		for _, path := range l.files {
			listed[path] = true
			if w.files[path] == nil {
				w.files[path] = &file{path: path, limit: w.limit, settle: w.settle}
			}
		}
	}
	for path, f := range w.files {
		kept := slices.ContainsFunc(listings, func(l listing) bool {
			return l.err != nil && (path == l.path || filepath.Dir(path) == filepath.Clean(l.path))
		})
		if !listed[path] && !kept {
			delete(w.files, path)
			gone = gone || f.content != nil
		}
	}
	return gone
}

// inOrder are the files in the order in which later ones count.
func (w *Watcher) inOrder() []*file {
	paths := make([]string, 0, len(w.files))
	for path := range w.files {
		paths = append(paths, path)
	}
	files := make([]*file, len(paths))
	for i, path := range sorted(paths) {
		files[i] = w.files[path]
	}
	return files
}

// identity is how this machine's entry is known at present.
func (w *Watcher) identity() *identity {
	self := &identity{id: string(w.cfg.ID)}
	if w.cfg.Hostname != nil {
		self.hostname = canonicalHostname(w.cfg.Hostname())
	}
	if w.cfg.Addresses != nil {
		self.addrs = w.cfg.Addresses()
	}
	return self
}

func (w *Watcher) logEvent(f *file, e event) {
	switch e {
	case changed, recovered:
		w.log.Info("file of nodes read", "path", f.path, "nodes", len(f.content.nodes), "hash", f.shortHash())
	case failed:
		w.log.Warn("file of nodes cannot be used, keeping what it had before", "path", f.path, "error", f.err)
	}
}

// logUnreadable logs which directories cannot be read, where that is new.
func (w *Watcher) logUnreadable(listings []listing) {
	now := map[string]string{}
	for _, l := range listings {
		if l.err == nil {
			continue
		}
		if now[l.path] = l.err.Error(); now[l.path] != w.unlisted[l.path] {
			w.log.Warn("directory of nodes cannot be read, keeping what it had before", "path", l.path, "error", l.err)
		}
	}
	w.unlisted = now
}

// logProblems logs what is wrong with the files, if it is something else than
// before.
func (w *Watcher) logProblems() {
	for _, f := range w.inOrder() {
		now := f.problems()
		if now.count > 0 && !now.equal(f.logged) {
			w.log.Warn("some entries of a file of nodes have no effect", "path", f.path, "count", now.count, "first", now.texts)
		}
		f.logged = now
	}
}
