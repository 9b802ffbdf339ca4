package saved

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/zone"
)

// FileName is the name of the file in the state directory.
const FileName = "saved-nodes"

const (
	// minInterval is the least time from a write to the next one that Run makes.
	minInterval = 5 * time.Second
	// idleShare is the pause after a write, in multiples of its duration: at
	// most 2 % of the time go into writing, however large the zone is.
	idleShare = 50
	// countInterval is how often the file is written when nothing changes but
	// the counted time of departed nodes, so that it survives a crash.
	countInterval = time.Hour
)

// Directory is the saved directory of one process. Its fields must not be
// changed after the first call.
type Directory struct {
	// Path is the state directory, which must be ours alone. Load and Run
	// create it.
	Path string
	// Store is the zone that is loaded and saved.
	Store *zone.Store
	// Logger may be nil.
	Logger *slog.Logger

	turns turns // whose the file and the following are, but for written

	covered  bool           // the zone has had all that the file has: see mayReplace
	unread   error          // why there may be a file that the zone has not had, or nil
	unsynced bool           // a power failure may undo the last write
	cluster  string         // the cluster whose nodes the file has
	loaded   uint64         // fingerprint of the nodes loaded, or 0
	agreed   *zone.Snapshot // the newest one that the file agrees with, or nil
	counted  time.Duration  // of all departed nodes, as the file has it
	due      time.Time      // when Run may write next

	written atomic.Pointer[time.Time] // see Written
}

// Written returns when the file was written last by this process or, of one that was
// loaded, the moment that its nodes date from; zero where there is none. It may be
// called from any goroutine.
func (d *Directory) Written() time.Time {
	if at := d.written.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// Run keeps the file equal to the zone until ctx ends; then it writes what is
// pending, and returns nil. It returns an error when the file cannot be
// written or removed, the last time included; calling it again makes up for it.
func (d *Directory) Run(ctx context.Context) error {
	if err := d.makeDir(); err != nil {
		return err
	}
	// Usually a backlog is about to come, and then there is one comparison and one write
	// instead of several.
	if err := d.until(ctx, time.Now().Add(minInterval), (*zone.Snapshot).Complete); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := d.until(ctx, time.Now().Add(countInterval), d.behind); err != nil {
			return err
		}
		var due time.Time
		if err := d.inTurn(patience, func() error { due = d.due; return nil }); err != nil {
			return err
		}
		never := func(*zone.Snapshot) bool { return false }
		if err := d.until(ctx, due, never); err != nil {
			return err
		}
		if err := d.inTurn(patience, d.catchUp); err != nil {
			return err
		}
	}
	// The last snapshot may be one that was not examined yet.
	return d.inTurn(patience, d.catchUp)
}

// makeDir creates the state directory if it is missing.
func (d *Directory) makeDir() error {
	if err := os.MkdirAll(d.Path, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w; what is known of the cluster will not survive a restart", err)
	}
	return nil
}

// until follows the zone until a snapshot meets the condition, the deadline
// passes or ctx ends. Meanwhile it removes the file as soon as it turns out to
// be another cluster's.
func (d *Directory) until(ctx context.Context, deadline time.Time, met func(*zone.Snapshot) bool) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for snapshot := range d.Store.Watch(ctx) {
		is := false
		err := d.inTurn(patience, func() error {
			err := d.dropForeign(snapshot)
			is = err == nil && met(snapshot)
			return err
		})
		if err != nil || is {
			return err
		}
	}
	return nil
}

// catchUp writes what the file lacks, and makes it durable.
func (d *Directory) catchUp() error {
	snapshot := d.Store.Snapshot()
	if err := d.dropForeign(snapshot); err != nil {
		return err
	}
	// What is not synced was saved a moment ago, with the counted time.
	if d.differs(snapshot) || !d.unsynced && d.hasCounted(snapshot) {
		if err := d.save(snapshot); err != nil {
			return err
		}
	}
	if !d.unsynced {
		return nil
	}
	if err := osfile.SyncDir(d.Path); err != nil {
		return fmt.Errorf("save the nodes in %s: %w", d.file(), err)
	}
	d.unsynced = false
	return nil
}

// behind reports whether catchUp has something to do for a snapshot.
func (d *Directory) behind(snapshot *zone.Snapshot) bool { return d.unsynced || d.differs(snapshot) }

// hasCounted reports whether time of the retention has passed that the file lacks.
func (d *Directory) hasCounted(snapshot *zone.Snapshot) bool {
	return d.mayReplace(snapshot) && snapshot.Counts().Departed > 0 && total(d.Store.DepartedFor()) != d.counted
}

// mayReplace reports whether a snapshot may take the place of the file. Loaded later,
// it denies the names that it lacks, so it must lack none: the zone is complete, or has
// had all that the file has, and what has changed since was reported.
func (d *Directory) mayReplace(snapshot *zone.Snapshot) bool {
	return !snapshot.Overflowed() && (d.covered || snapshot.Complete())
}

// differs reports whether the file has to be replaced by what a snapshot has.
func (d *Directory) differs(snapshot *zone.Snapshot) bool {
	switch {
	case !d.mayReplace(snapshot):
		return false
	case snapshot.Cluster().ID != d.cluster:
		return true
	case d.agreed == nil:
		// What was loaded is compared by its fingerprint: the snapshot of then
		// would keep the whole zone in memory twice until this moment.
		if d.loaded == 0 || d.loaded != fingerprintOf(snapshot) {
			d.loaded = 0
			return true
		}
		d.loaded, d.agreed = 0, snapshot
		return false
	}
	for c := range zone.Paced(snapshot.Changes(d.agreed)) {
		before, had := fromZone(c.Before, d.agreed.Prefix())
		after, has := fromZone(c.After, snapshot.Prefix())
		if had != has || before != after {
			d.agreed = nil // it would be in memory until the file is written
			return true
		}
	}
	if otherOwners(snapshot, d.agreed) {
		d.agreed = nil
		return true
	}
	// What did change is not saved. The next comparison need not see it again.
	d.agreed = snapshot
	return false
}

// otherOwners reports whether a name or an address that several nodes claim has another
// owner than it had, though the nodes may be the same: one had let go of it meanwhile.
func otherOwners(snapshot, old *zone.Snapshot) bool {
	for range snapshot.NewNameConflicts(old) {
		return true
	}
	for range snapshot.NewAddressConflicts(old) {
		return true
	}
	return false
}

// save replaces the file by what a snapshot has.
func (d *Directory) save(snapshot *zone.Snapshot) error {
	began := time.Now()
	counted := d.Store.DepartedFor()
	nodes, err := d.write(snapshot, counted)
	took := time.Since(began)
	d.due = time.Now().Add(max(minInterval, idleShare*took))
	if err != nil {
		return err
	}
	d.agreed, d.cluster, d.counted, d.loaded = snapshot, snapshot.Cluster().ID, total(counted), 0
	d.covered, d.unread, d.unsynced = true, nil, true
	d.written.Store(&began)
	d.log().Debug("nodes saved", "path", d.file(), "nodes", nodes, "serial", snapshot.Serial(), "took", took)
	return nil
}

// dropForeign removes the file if it has the nodes of another cluster than the
// zone.
func (d *Directory) dropForeign(snapshot *zone.Snapshot) error {
	id := snapshot.Cluster().ID
	if id == "" || d.cluster == "" || id == d.cluster {
		return nil
	}
	if err := remove(d.Path, d.file()); err != nil {
		return fmt.Errorf("remove the saved nodes of another cluster: %w; remove the file by hand", err)
	}
	d.log().Info("saved nodes of another cluster removed", "path", d.file(), "cluster", id, "before", d.cluster)
	d.covered, d.unread, d.cluster, d.agreed, d.counted, d.loaded = false, nil, "", nil, 0, 0
	d.written.Store(nil)
	return nil
}

// remove removes a file of the directory for good. It may be gone already.
func remove(dir, name string) error {
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return osfile.SyncDir(dir)
}

func (d *Directory) file() string { return filepath.Join(d.Path, FileName) }

func (d *Directory) log() *slog.Logger {
	if d.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return d.Logger
}

// total adds up the counted times. They all run at the same pace, so that the
// sum of the same nodes' is a measure of whether they ran.
func total(counted map[zone.ID]time.Duration) (sum time.Duration) {
	for _, d := range counted {
		sum += d
	}
	return sum
}
