package resolvconf

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/upstream"
)

const (
	runDir   = "/run/nodedns"
	realPath = runDir + "/resolv.conf"
)

// stub is the content of resolv.conf while it is ours, with these lines added.
func stub(lines ...string) string {
	return stubLine(1) + "nameserver 127.0.0.53\n" + strings.Join(append(lines, ""), "\n")
}

// edns is the option that is always there.
const edns = "options edns0"

// bubble is a Keeper that runs in a bubble of synctest, on a tree. Its
// notifications of changed files come from the test.
type bubble struct {
	*tree
	*Keeper
	log testkit.Log

	mu        sync.Mutex
	listeners []netip.AddrPort
	upstreams []upstream.Server
	dead      bool // no listener answers
	// present and own are the hostnames.
	present, own string

	cancel context.CancelFunc
	ended  chan error
}

// prepare makes a Keeper that does not run.
func (r *tree) prepare() *bubble {
	r.t.Helper()
	b := &bubble{tree: r, listeners: []netip.AddrPort{own}}
	var err error
	b.Keeper, err = New(b.config())
	if err != nil {
		r.t.Fatal(err)
	}
	b.follow = func(ctx context.Context, _ func()) { <-ctx.Done() }
	return b
}

func (b *bubble) config() Config {
	return Config{
		Settings: Settings{Path: usualPath, RunDir: runDir}, Root: b.root, StateDir: filepath.Dir(b.state),
		Listeners: func() []netip.AddrPort { b.mu.Lock(); defer b.mu.Unlock(); return b.listeners },
		Upstreams: func() []upstream.Server { b.mu.Lock(); defer b.mu.Unlock(); return b.upstreams },
		Hostnames: func() (present, own string) { b.mu.Lock(); defer b.mu.Unlock(); return b.present, b.own },
		Probe: func(ctx context.Context, listener netip.AddrPort) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.dead || !slices.Contains(b.listeners, listener) {
				return errors.New("no answer")
			}
			return ctx.Err()
		},
		Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
	}
}

// change changes the environment of the Keeper, and lets it react.
func (b *bubble) change(f func()) {
	b.mu.Lock()
	f()
	b.mu.Unlock()
	b.Hint()
	synctest.Wait()
}

// launch starts and runs a Keeper, until stop or the end of the bubble's test.
func (r *tree) launch(mode Mode, trustAD bool) *bubble {
	r.t.Helper()
	b := r.prepare()
	b.Set(mode, trustAD, "")
	ctx, cancel := context.WithCancel(r.t.Context())
	b.cancel, b.ended = cancel, make(chan error, 1)
	b.Start(ctx)
	go func() { b.ended <- b.Run(ctx) }()
	synctest.Wait()
	return b
}

// stop ends a Keeper as a clean stop does.
func (b *bubble) stop() {
	b.t.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		b.t.Error(err)
	}
}

// kill ends it without a chance to restore anything.
func (b *bubble) kill() {
	b.t.Helper()
	f := b.files
	b.files.conf.Path, b.files.shared.Path = "/nowhere", "/nowhere-either"
	b.stop()
	b.files = f
}

// wantState checks the state, and that the error has this text.
func (b *bubble) wantState(state State, problem string) {
	b.t.Helper()
	s := b.Status()
	if s.State != state || (problem == "") != (s.Error == "") || !strings.Contains(s.Error, problem) {
		b.t.Errorf("status %+v, want %s with the error %q", s, state, problem)
	}
}

// inBubble runs a test in a bubble, on a tree of its own.
func inBubble(t *testing.T, test func(*testing.T, *tree)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newTree(t)) })
}

// sleep lets time pass in the bubble.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
