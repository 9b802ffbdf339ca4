package saved

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/zone"
)

// batchSize is how many nodes are published to the zone at once. It is large
// enough to share the cost of a snapshot, and small beside the zone itself.
const batchSize = 4096

// keepRefused is how many rejected files are kept for inspection.
const keepRefused = 3

// RefusedError means that the file was not loaded and has been set aside.
type RefusedError struct {
	Path   string // of the file
	Aside  string // where it is now
	Reason error  // wraps ErrDamaged, ErrVersion, ErrOld or ErrPrefix
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("saved nodes %s not loaded: %v; kept as %s, to be removed when it is of no more interest",
		e.Path, e.Reason, e.Aside)
}

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Reason }

// Load publishes the content of the file to the zone. It must be called before
// the first query is answered, and before Run and SaveAhead. A missing file is no
// error, and with any error the start may go on: a [*RefusedError] means that the file
// was bad and has been set aside, any other that it could not be read or moved.
func (d *Directory) Load() error {
	err := d.load()
	if _, aside := errors.AsType[*RefusedError](err); !aside {
		d.unread = err
	}
	return err
}

func (d *Directory) load() error {
	if err := d.makeDir(); err != nil {
		return err
	}
	f, _, err := osfile.Open(d.file())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, osfile.ErrNotRegular):
		return d.setAside(fmt.Errorf("%w: %w", ErrDamaged, osfile.Cause(err)))
	}
	if err != nil {
		return fmt.Errorf("load the saved nodes: %w", err)
	}
	defer func() { _ = f.Close() }()

	h, err := d.verify(f)
	for _, reason := range []error{ErrDamaged, ErrVersion, ErrOld, ErrPrefix} {
		if errors.Is(err, reason) {
			return d.setAside(err)
		}
	}
	if err != nil {
		return fmt.Errorf("load the saved nodes: %w", err)
	}
	d.cluster = h.cluster
	if err := d.dropForeign(d.Store.Snapshot()); err != nil || d.cluster != h.cluster {
		return err
	}
	began := time.Now()
	d.loaded, err = d.apply(f)
	if err != nil {
		return fmt.Errorf("load the saved nodes: %w", err)
	}
	d.covered, d.counted = true, total(d.Store.DepartedFor())
	d.written.Store(&h.at)
	d.log().Info("saved nodes loaded", "path", d.file(), "nodes", h.nodes, "saved", h.at, "age", max(0, began.Sub(h.at)).Round(time.Second), "took", time.Since(began))
	return nil
}

// verify reads all of the file, so that nothing of a bad one gets any further.
// Reading twice is cheaper than holding all of it.
func (d *Directory) verify(f *os.File) (h header, err error) {
	err = decode(f, func(read header) { h = read }, func(*node) {})
	if want := d.Store.Snapshot().Prefix(); err == nil && h.prefix != string(want) {
		err = fmt.Errorf("%w: %q instead of %q", ErrPrefix, h.prefix, want)
	}
	return h, err
}

// apply publishes the file's nodes to the zone, and returns their fingerprint.
func (d *Directory) apply(f *os.File) (uint64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	seen := newFingerprint()
	layer := d.Store.Saved()
	batch := make([]zone.Entry, 0, batchSize)
	var h header
	err := decode(f, func(read header) {
		h = read
		layer.SetCluster(h.cluster)
	}, func(n *node) {
		seen.add(*n)
		batch = append(batch, n.entry(h.prefix))
		if len(batch) == batchSize {
			layer.Set(batch...)
			batch = batch[:0]
		}
	})
	if err != nil {
		return 0, fmt.Errorf("it changed while it was read: %w", err)
	}
	layer.Set(batch...)
	layer.Loaded(h.at)
	return seen.sum.Sum64(), nil
}

// setAside renames the rejected file, so that it can be inspected and the next
// save does not destroy it, and deletes the oldest of those before it.
func (d *Directory) setAside(reason error) error {
	name := func(n int) string { return fmt.Sprintf("%s.refused-%d", d.file(), n) }
	for n := keepRefused - 1; n >= 1; n-- {
		if err := os.Rename(name(n), name(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set the saved nodes aside, as they are refused (%w): %w", reason, err)
		}
	}
	if err := os.Rename(d.file(), name(1)); err != nil {
		return fmt.Errorf("set the saved nodes aside, as they are refused (%w): %w", reason, err)
	}
	return &RefusedError{Path: d.file(), Aside: name(1), Reason: reason}
}
