package resolvconf

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/nodedns/nodedns/internal/managed"
)

const (
	// probes is how often a listener is queried before it counts as dead, and
	// probeWait how long each time.
	probes    = 3
	probeWait = 500 * time.Millisecond
	// probeAgain is after how long it is queried again while resolv.conf points
	// at us.
	probeAgain = 5 * time.Second

	// maxRetry is the longest pause before what failed is tried again.
	maxRetry = 30 * time.Second
)

var errNoListener = errors.New("point resolv.conf at us: no listener is on port 53, and resolv.conf can name no other; " +
	"add one to dns.listen, or set files.resolv_conf_mode to off")

// takeOver writes a text that points at us to the file, as long as we answer.
// The pause is when to continue what has to wait, or 0.
func (k *Keeper) takeOver(ctx context.Context, text string) (state State, pause time.Duration, err error) {
	now, err := k.files.conf.Read()
	if err == nil {
		err = k.files.note(now)
	}
	if wait := k.stayLeft(now); wait > 0 {
		return StateLeft, wait, k.left.reason
	}
	if err != nil {
		return StateWaiting, 0, err
	}
	if wait, lost := k.checkOverwritten(now); lost {
		k.left.begin(time.Now(), k.overwrites.by)
		k.held = false
		return StateLeft, k.stayLeft(now), k.left.reason
	} else if wait = max(wait, k.blankPause(now)); wait > 0 {
		return StateContested, wait, nil
	}
	if err := k.probe(ctx); err != nil {
		if ctx.Err() != nil {
			return StateWaiting, 0, err
		}
		return StateWaiting, 0, errors.Join(err, k.restore())
	}
	wrote, err := k.pointAtUs(text)
	if err != nil {
		return StateWaiting, 0, err
	}
	k.held, k.wrote = true, wrote
	k.overwrites.takenOver()
	return StateStub, probeAgain, nil
}

// stayLeft returns how long the file is to stay left to another program, which
// may have written it again. Once that was quiet for long enough it is ours
// to take.
func (k *Keeper) stayLeft(now managed.Content) time.Duration {
	at := time.Now()
	if k.left.reason == nil {
		return 0
	}
	wait := k.left.wait(at, now)
	if wait == 0 {
		k.log.Info("resolv.conf is taken back: the program that it was left to has been quiet",
			"path", k.files.conf.String(), "by", k.overwrites.by, "quiet", k.left.quiet)
		k.left.end(at)
		k.overwrites.reset()
	}
	return wait
}

// pointAtUs puts a text that does so into the place of what is there now. It
// returns all that it wrote.
func (k *Keeper) pointAtUs(text string) (whole string, err error) {
	backup := k.files.backup(k.listener().Addr().String())
	_, err = k.files.conf.UpdateAfter(backup, func(old managed.Content) ([]byte, error) {
		s, _, _, err := k.files.originals(old)
		whole = s.comments() + text
		return []byte(whole), err
	})
	return whole, err
}

// checkOverwritten detects that another program overwrote or removed what we
// wrote. It returns how long to leave the file to it, and whether to give up.
func (k *Keeper) checkOverwritten(now managed.Content) (wait time.Duration, lost bool) {
	at := time.Now()
	if k.held && !k.overwrites.pending() && !(now.Link == "" && string(now.Bytes) == k.wrote) {
		by := writer(now)
		first, lost := k.overwrites.record(at, by)
		if first {
			k.log.Warn("resolv.conf was overwritten by another program: its servers are used, and it is taken back",
				"path", k.files.conf.String(), "by", by)
		}
		if lost {
			return 0, true
		}
	}
	return k.overwrites.wait(at), false
}

// blankPause is for how long another program's file is left alone because it is
// blank: it may have been emptied to be written, and what is written after it
// was taken back would be lost.
func (k *Keeper) blankPause(now managed.Content) time.Duration {
	mayFollow := k.overwrites.pending() && now.Exists && now.Link == "" && Parse(string(now.Bytes)).isBlank()
	switch at := time.Now(); {
	case !mayFollow:
		k.blankSince = time.Time{}
		return 0
	case k.blankSince.IsZero():
		k.blankSince = at
		return blankTimeout
	default:
		return max(blankTimeout-at.Sub(k.blankSince), 0)
	}
}

// probe queries our listener as clients will.
func (k *Keeper) probe(ctx context.Context) (err error) {
	listener := k.listener()
	if listener == (netip.AddrPort{}) {
		return errNoListener
	}
	for range probes {
		attempt, cancel := context.WithTimeout(ctx, probeWait)
		err = k.cfg.Probe(attempt, listener)
		cancel()
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("point resolv.conf at us: our listener %v does not answer this machine: %w", listener, err)
	}
	return nil
}

// restore restores resolv.conf, if it is ours.
func (k *Keeper) restore() error {
	k.held = false
	done, err := k.files.restore()
	if done != "" {
		k.log.Info("resolv.conf given back", "path", k.files.conf.String(), "done", done)
	}
	return err
}

// Restore makes resolv.conf what it was before us, if it is ours. Run does so
// at its end; it is for callers that end without.
func (k *Keeper) Restore() error {
	return errors.Join(k.restore(), k.files.shareUpstreams(false))
}
