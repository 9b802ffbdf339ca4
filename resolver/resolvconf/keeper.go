package resolvconf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/nodedns/nodedns/internal/follow"
	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/retry"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Config of a Keeper.
type Config struct {
	// Settings, of which the mode is that of Set.
	Settings
	// Root is a directory that stands for / in the paths of Settings.
	Root string
	// StateDir is the directory in whose subdirectory resolvconf the original
	// of resolv.conf is kept.
	StateDir string
	// Listeners are the addresses that we answer on, and Upstreams the servers
	// that we query.
	Listeners func() []netip.AddrPort
	Upstreams func() []upstream.Server
	// Hostnames are the machine's. They may be nil.
	Hostnames Hostnames
	// Probe queries a listener for a name that is always ours.
	Probe func(ctx context.Context, listener netip.AddrPort) error
	// Logger may be nil, to discard.
	Logger *slog.Logger
}

// State is the state of resolv.conf.
type State string

// The states of a Keeper.
const (
	StateOff       State = "off"       // it is not managed
	StateStub      State = "stub"      // it points at us
	StateWaiting   State = "waiting"   // it will, when the problem in Error is over
	StateContested State = "contested" // another program overwrote it, and it is taken back soon
	StateLeft      State = "left"      // left to a program that overwrote it too often
)

// Status is the status of resolv.conf.
type Status struct {
	Path  string `json:"path"` // with the root
	Mode  Mode   `json:"mode"` // ModeOff or ModeStub
	State State  `json:"state"`
	// Source is the file that the machine's own servers are from, empty while
	// none lists a usable one. The caller fills it in.
	Source string `json:"source"`
	// Alternatives are other sources with servers that answer while none of
	// Source does. Nothing is asked there. The caller fills it in.
	Alternatives []Alternative `json:"alternatives"`
	// Overwrites is how often another program overwrote what was written since
	// the start, and LastOverwrittenBy the last one, where that is known.
	Overwrites        uint64 `json:"overwrites"`
	LastOverwrittenBy string `json:"last_overwritten_by"`
	Error             string `json:"error"` // what is wrong, or ""
}

// Keeper points resolv.conf at us, and restores it. Start, Run and Restore must
// be called from one goroutine, the other methods from any.
type Keeper struct {
	cfg     Config
	log     *slog.Logger
	sources *Sources
	files   files

	held       bool   // we have written the file since the start
	wrote      string // as what
	overwrites overwrites
	blankSince time.Time // since when another program's content is blank; zero: it is not
	left       left
	pauses     retry.Backoff // before what failed is tried again

	// follow calls look after changes of files, until ctx ends.
	follow func(ctx context.Context, look func())
	hints  retry.Hint

	mu      sync.Mutex // guards what follows
	mode    Mode
	trustAD bool
	domain  string
	reset   bool // apply the mode as at a start
	status  Status
}

// New returns a Keeper that has touched no file. It does nothing to resolv.conf
// before Set does so.
func New(cfg Config) (*Keeper, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	for _, p := range []struct{ what, path string }{
		{"path", cfg.Path}, {"state directory", cfg.StateDir},
	} {
		if !filepath.IsAbs(p.path) {
			return nil, fmt.Errorf("resolv.conf: %s %q: want an absolute path", p.what, p.path)
		}
	}
	k := &Keeper{
		cfg:     cfg,
		log:     cfg.Logger,
		sources: NewSources(cfg.Location(), cfg.Hostnames),
		files:   filesOf(cfg, managed.RealSystem()),
		hints:   retry.NewHint(),
		pauses:  retry.Backoff{First: time.Second, Max: maxRetry},
		left:    newLeft(),
	}
	follower := follow.Follower{Root: cfg.Root, Files: k.files.followed(), Logger: cfg.Logger}
	k.follow = follower.Run
	k.status = Status{Path: k.files.conf.String(), State: StateOff}
	return k, nil
}

// Set changes the mode, whether clients should trust our AD bit, and the local
// domain that programs are to search too, or "" for none. A file that was left to
// another program is taken over again.
func (k *Keeper) Set(mode Mode, trustAD bool, domain string) {
	k.mu.Lock()
	k.mode, k.trustAD, k.domain, k.reset = mode, trustAD, domain, true
	k.mu.Unlock()
	k.Hint()
}

// Hint reports that the listeners, the upstreams, the sources or the hostname
// may have changed.
func (k *Keeper) Hint() { k.hints.Send() }

// Status returns the status of resolv.conf.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	status := k.status
	status.Mode, status.Alternatives = ModeStub, []Alternative{}
	if status.State == StateOff {
		status.Mode = ModeOff
	}
	return status
}

// Start repairs what an earlier run left half written, and does once what Run
// does repeatedly. The listeners must answer by then. What fails is in the
// status.
func (k *Keeper) Start(ctx context.Context) {
	if err := k.files.tidy(k.log); err != nil {
		k.log.Warn("what an earlier run left of resolv.conf is not in order", "error", err)
	}
	k.step(ctx)
}

// Run keeps the files up to date until ctx ends. Then it restores resolv.conf,
// while the listeners still answer; the error is about that.
func (k *Keeper) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	defer wait.Wait()
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	wait.Go(func() { k.follow(following, k.Hint) })
	for ctx.Err() == nil {
		var due <-chan time.Time
		if pause := earlier(k.step(ctx), k.sources.Again()); pause > 0 {
			due = time.After(pause)
		}
		select {
		case <-ctx.Done():
		case <-k.hints:
		case <-due:
		}
	}
	return k.Restore()
}

// earlier returns the shorter of two pauses, of which 0 is endless.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return a + b
	}
	return min(a, b)
}

// step brings the files up to date. It returns when to check again without a
// hint, or 0 for never.
func (k *Keeper) step(ctx context.Context) (pause time.Duration) {
	mode, trustAD, domain := k.takeSettings()
	if _, err := k.sources.Reload(); err != nil {
		k.log.Debug("some sources of resolv.conf cannot be read", "error", err)
	}
	machine := k.sources.SystemConfig(k.isForeign)
	failed := []error{k.writeUpstreams(machine), k.files.shareUpstreams(mode == ModeStub)}
	state := StateOff
	if mode == ModeStub {
		var err error
		state, pause, err = k.takeOver(ctx, stubText(k.listener(), machine, trustAD, domain, k.cfg.Hostnames.presentDomain()))
		failed = append(failed, err)
	} else {
		failed = append(failed, k.restore())
	}
	err := errors.Join(failed...)
	if ctx.Err() != nil {
		return 0 // a failure at the end is not an error
	}
	k.setStatus(state, err)
	if err != nil && state != StateLeft && pause == 0 {
		return k.pauses.Next()
	}
	k.pauses.Reset()
	return pause
}

// takeSettings returns what Set has set, and starts over when that is new.
func (k *Keeper) takeSettings() (mode Mode, trustAD bool, domain string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reset {
		k.reset, k.left = false, newLeft()
		k.overwrites.reset()
	}
	return k.mode, k.trustAD, k.domain
}

// setStatus makes the status, and logs an error that is new.
func (k *Keeper) setStatus(state State, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.status
	k.status.State, k.status.Error = state, errorText(err)
	k.status.Overwrites, k.status.LastOverwrittenBy = k.overwrites.total, k.overwrites.by
	switch {
	case k.status.Error == "" || k.status.Error == was.Error:
	case state == StateLeft:
		k.log.Error("giving up on resolv.conf: overwritten too often", "path", was.Path, "by", k.overwrites.by, "error", err)
	default:
		k.log.Warn("resolv.conf is not as it should be, trying again", "path", was.Path, "error", err)
	}
	if state == StateStub && was.State != StateStub && was.State != StateContested {
		k.log.Info("resolv.conf points at us", "path", was.Path)
	}
}

// isForeign reports whether a server is not one of our listeners.
func (k *Keeper) isForeign(server netip.AddrPort) bool {
	return !upstream.IsOwn(k.cfg.Listeners(), upstream.Normalize(server), netip.Addr{})
}

// listener returns one that resolv.conf can list, which has no ports, or the
// zero value: the first one on loopback, which stays when an interface goes, or
// else the first.
func (k *Keeper) listener() (first netip.AddrPort) {
	for _, l := range k.cfg.Listeners() {
		l = upstream.Normalize(l)
		switch {
		case l.Port() != dnsPort:
		case l.Addr().IsLoopback():
			return l
		case !first.IsValid():
			first = l
		}
	}
	return first
}
