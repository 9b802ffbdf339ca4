package hostsfile

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/zone"
)

const (
	// look is how often the hostname is checked, and whether it is time to retry
	// what has failed.
	look = 5 * time.Second
	// maxRetry is the longest pause before a failed file is tried again.
	maxRetry = 5 * time.Minute
)

// Run keeps the files equal to the store's snapshots until ctx ends, and
// returns nil then. A change of the zone is in the hosts file within 100 ms,
// but there is at most one write a second and no more than a twentieth of the
// time is spent on them. A foreign write that damages our block is repaired.
//
// It returns an error when the hosts file could not be written, and must be run
// again after a pause. Other files that failed it retries by itself.
func (k *Keeper) Run(ctx context.Context, store *zone.Store) error {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()

	r := run{keeper: k, store: store}
	changed, touched := retry.NewHint(), retry.NewHint()
	if k.hosts != nil {
		wait.Go(func() {
			for range store.Watch(ctx) {
				changed.Send()
			}
		})
		wait.Go(func() { k.watch(ctx, touched.Send) })
	}
	return r.loop(ctx, changed, touched)
}

// run is the state of one call of Keeper.Run.
type run struct {
	keeper *Keeper
	store  *zone.Store
	pace   pace
}

func (r *run) loop(ctx context.Context, changed, touched retry.Hint) error {
	r.look() // this run may fail before the first tick
	looks := time.NewTicker(look)
	defer looks.Stop()
	for {
		var due <-chan time.Time
		if !r.pace.due.IsZero() {
			due = time.After(time.Until(r.pace.due))
		}
		select {
		case <-ctx.Done():
			if r.pace.due.IsZero() {
				return nil
			}
			// What is read after we have exited must be the newest.
			return r.write()
		case <-changed:
			r.pace.changed(time.Now())
		case <-touched:
			if k := r.keeper; k.file.Stamp() != k.written.verified {
				r.pace.touched(time.Now())
			}
		case <-looks.C:
			r.look()
		case <-due:
			if err := r.write(); err != nil {
				return err
			}
		}
	}
}

// write brings the hosts file up to date.
func (r *run) write() error {
	k := r.keeper
	start := time.Now()
	wrote, err := k.apply(k.hosts, r.store.Snapshot())
	r.pace.done(start, time.Now(), wrote, wrote && k.written.foreign)
	if err != nil {
		return fmt.Errorf("keep the hosts file: %w", err)
	}
	return nil
}

// look polls for what no event reports.
func (r *run) look() {
	k, now := r.keeper, time.Now()
	if !now.Before(k.nextTry) {
		if err := k.applyIdentity(r.store.Snapshot()); err != nil {
			pause := k.pauses.Next()
			k.log.Warn("files that depend on the node's name are not right yet", "pause", pause.Round(time.Second), "error", err)
			k.nextTry = now.Add(pause)
		}
	}
	k.watchHostname()
}
