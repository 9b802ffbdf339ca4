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
	// firstRetry is the longest pause before a file is tried again that has
	// failed once, and maxRetry the longest of all.
	firstRetry = 5 * time.Second
	maxRetry   = 5 * time.Minute
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
	changed, touched, renamed := retry.NewHint(), retry.NewHint(), retry.NewHint()
	if k.hosts != nil {
		wait.Go(func() {
			for range store.Watch(ctx) {
				changed.Send()
			}
		})
		wait.Go(func() { k.watch(ctx, touched.Send) })
	}
	if k.setsHostname() || k.cfg.Renamed != nil && k.cfg.Root == "" {
		wait.Go(func() { k.sys.followHostname(ctx, renamed.Send) })
	}
	return r.loop(ctx, changed, touched, renamed)
}

// run is the state of one call of Keeper.Run.
type run struct {
	keeper *Keeper
	store  *zone.Store
	pace   pace
}

func (r *run) loop(ctx context.Context, changed, touched, renamed retry.Hint) error {
	r.identify() // this run may fail before the first retry
	for {
		due := after(r.pace.due)
		again := after(r.keeper.nextTry)
		select {
		case <-ctx.Done():
			if r.pace.due.IsZero() {
				return nil
			}
			// What is read after we have exited must be the newest.
			return r.write()
		case <-changed:
			r.pace.changed(time.Now())
		case <-r.keeper.hints:
			r.pace.changed(time.Now())
		case <-touched:
			if k := r.keeper; k.file.Stamp() != k.written.verified {
				r.pace.touched(time.Now())
			}
		case <-renamed:
			r.keeper.noticeHostname()
		case <-again:
			r.identify()
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

// after returns a channel that receives at a time; never at the zero time.
func after(at time.Time) <-chan time.Time {
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// identify does what depends on the node's name and has not succeeded yet, if it
// is time for another attempt.
func (r *run) identify() {
	k, now := r.keeper, time.Now()
	if now.Before(k.nextTry) {
		return
	}
	k.nextTry = time.Time{}
	if err := k.applyIdentity(r.store.Snapshot()); err != nil {
		pause := k.pauses.Next()
		k.log.Warn("files that depend on the node's name are not right yet", "pause", pause.Round(time.Second), "error", err)
		k.nextTry = now.Add(pause)
	}
	k.noticeHostname()
}
