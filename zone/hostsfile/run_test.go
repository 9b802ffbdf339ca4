package hostsfile

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// bubble is a Run in virtual time. What the kernel would report is reported by
// touch and rename.
type bubble struct {
	*Keeper
	touch  func()
	rename func()
	cancel context.CancelFunc
	ended  chan error
	times  []time.Duration // of writes, since the start of Run
}

func startInBubble(t *testing.T, cfg Config, sys *system, run func(context.Context, *Keeper) error) *bubble {
	t.Helper()
	b := &bubble{ended: make(chan error, 1)}
	start := time.Now()
	cfg.Written = func(path string) {
		if strings.HasSuffix(path, "/hosts") {
			b.times = append(b.times, time.Since(start))
		}
	}
	k, err := newKeeper(cfg, sys)
	if err != nil {
		t.Fatal(err)
	}
	b.Keeper = k
	k.watch = func(ctx context.Context, look func()) {
		b.touch = look
		<-ctx.Done()
	}
	k.sys.followHostname = func(ctx context.Context, look func()) {
		b.rename = look
		<-ctx.Done()
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	go func() { b.ended <- run(ctx, k) }()
	synctest.Wait()
	return b
}

func (b *bubble) stop(t *testing.T) {
	t.Helper()
	b.cancel()
	if err := <-b.ended; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestRunWritesOnceASecond(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		setLocal(store, "192.0.2.7")
		src := store.Source("test")
		b := startInBubble(t, s.hostsOnly(), realSystem(), func(ctx context.Context, k *Keeper) error { return k.Run(ctx, store) })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.times = nil
		start := time.Now()
		for n := range 300 { // a change every 10 ms
			join(src, n+8)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		b.stop(t)
		if len(b.times) < 4 || len(b.times) > 5 {
			t.Errorf("%d writes within 3 s of changes, want one at first and one a second", len(b.times))
		}
		for i, at := range b.times {
			if i > 0 && at-b.times[i-1] < time.Second {
				t.Errorf("writes at %v are less than a second apart", b.times)
			}
		}
		if first := 10*time.Second + 100*time.Millisecond; len(b.times) > 0 && b.times[0] > first {
			t.Errorf("first write at %v, want within 100 ms of %v", b.times[0], start)
		}
		if got := render(store.Snapshot(), 0, zone.Canonical{}, 0); got.nodes != 301 {
			t.Fatalf("%d nodes", got.nodes)
		} else {
			wantFile(t, s.path("etc/hosts"), block(string(got.lines)))
		}
	})
}

func TestRunWritesWhatIsDueBeforeItEnds(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		b := startInBubble(t, s.hostsOnly(), realSystem(), func(ctx context.Context, k *Keeper) error { return k.Run(ctx, store) })
		time.Sleep(time.Second)
		setLocal(store, "192.0.2.7")
		synctest.Wait()
		b.stop(t)
		wantFile(t, s.path("etc/hosts"), block("192.0.2.7 "+string(self)+"\n"))
	})
}

func TestRunReturnsAFailedWriteAndRunsAgain(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		sys := realSystem()
		rename := sys.Rename
		sys.Rename = func(string, string) error { return unix.ENOSPC }
		var k *Keeper
		b := startInBubble(t, s.hostsOnly(), sys, func(ctx context.Context, kept *Keeper) error {
			k = kept
			return k.Run(ctx, store)
		})
		if err := <-b.ended; !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("run: %v, want ENOSPC", err)
		}
		if st := k.Status()[0]; st.Error == "" || st.Failures != 1 {
			t.Errorf("status %+v", st)
		}
		sys.Rename = rename
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := k.Run(ctx, store); err != nil {
			t.Fatal(err)
		}
		if st := k.Status()[0]; st.Error != "" || st.Writes != 1 {
			t.Errorf("status %+v", st)
		}
		wantFile(t, s.path("etc/hosts"), block(""))
	})
}

func TestRunTriesMachineIDAgainAndGoesOnWithHosts(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		sys := realSystem()
		rename := sys.Rename
		var attempts []time.Time
		sys.Rename = func(from, to string) error {
			if strings.HasSuffix(to, "machine-id") {
				if attempts = append(attempts, time.Now()); len(attempts) < 4 {
					return unix.EIO
				}
			}
			return rename(from, to)
		}
		cfg := s.config()
		cfg.Hostname = false
		b := startInBubble(t, cfg, sys, func(ctx context.Context, k *Keeper) error {
			if err := k.Start(store.Snapshot()); err == nil {
				t.Error("start succeeded")
			}
			return k.Run(ctx, store)
		})
		setLocal(store, "192.0.2.7")
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		wantFile(t, s.path("etc/hosts"), block("192.0.2.7 "+string(self)+"\n"))
		wantNone(t, s.path("etc/machine-id"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		b.stop(t)
		wantFile(t, s.path("etc/machine-id"), string(self))
		if len(attempts) != 4 || attempts[3].Sub(attempts[2]) < firstRetry {
			t.Errorf("attempts at %v, want 4 with longer and longer pauses", attempts)
		}
	})
}

func TestRunPutsARemovedBlockBack(t *testing.T) {
	t.Parallel()
	const user = "192.0.2.1 printer\n"
	s := newScratch(t)
	var log testkit.Log
	synctest.Test(t, func(t *testing.T) {
		cfg := s.hostsOnly()
		cfg.Logger = log.LoggerFrom(slog.LevelDebug)
		store := newStore(t)
		b := startInBubble(t, cfg, realSystem(), func(ctx context.Context, k *Keeper) error { return k.Run(ctx, store) })
		time.Sleep(firstRetry)
		write(t, s.path("etc/hosts"), user) // as cloud-init does
		b.touch()
		time.Sleep(2 * settle)
		synctest.Wait()
		wantFile(t, s.path("etc/hosts"), user+block(""))
		b.stop(t)
		if n := log.Count("changed by another program"); n != 1 {
			t.Errorf("logged %d times, want once", n)
		}
	})
}

// Our line for ::1 goes and comes with that address, in both modes. The user's own
// stays, and where we have none of ours there is none to take away.
func TestRunFollowsIPv6OnLoopback(t *testing.T) {
	t.Parallel()
	const user4, user6 = "127.0.0.1 localhost\n", "::1 localhost ip6-localhost\n"
	blockOf := func(lines string) string {
		return hostsformat.BeginMarker + "\n" + lines + hostsformat.EndMarker + "\n"
	}
	for _, c := range []struct {
		name          string
		mode          HostsMode
		root          bool
		user          string
		with, without string
	}{
		{"block", HostsBlock, false, "", blockOf(localhost4 + localhost6), blockOf(localhost4)},
		{"the user has the other one", HostsBlock, false, user4, user4 + blockOf(localhost6), user4 + blockOf("")},
		{"the user's own", HostsBlock, false, user6, user6 + blockOf(localhost4), user6 + blockOf(localhost4)},
		{"own", HostsOwn, false, "", localhost4 + localhost6, localhost4},
		{"of another machine", HostsBlock, true, "", blockOf(localhost4 + localhost6), blockOf(localhost4 + localhost6)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			synctest.Test(t, func(t *testing.T) {
				store := newStore(t)
				var six atomic.Bool
				cfg := s.hostsOnly()
				if !c.root {
					cfg.Root, cfg.Hosts = "", s.path("etc/hosts")
				}
				cfg.HostsMode = c.mode
				cfg.IPv6Loopback = six.Load
				write(t, s.path("etc/hosts"), c.user)
				b := startInBubble(t, cfg, realSystem(), func(ctx context.Context, k *Keeper) error {
					if err := k.Start(store.Snapshot()); err != nil {
						return err
					}
					return k.Run(ctx, store)
				})
				changed := func(now bool) {
					six.Store(now)
					b.Hint()
					time.Sleep(2 * time.Second)
					synctest.Wait()
				}
				time.Sleep(time.Second)
				wantFile(t, s.path("etc/hosts"), c.without)
				changed(true)
				wantFile(t, s.path("etc/hosts"), c.with)
				if d, err := b.CompareHosts(Zone{Ready: true}); len(d) > 0 || err != nil {
					t.Errorf("compared: %v, %v", d, err)
				}
				changed(false)
				wantFile(t, s.path("etc/hosts"), c.without)
				if d, err := b.CompareHosts(Zone{Ready: true}); len(d) > 0 || err != nil {
					t.Errorf("compared: %v, %v", d, err)
				}
				six.Store(!c.root)
				if d, err := b.CompareHosts(Zone{Ready: true}); len(d) != min(1, len(c.with)-len(c.without)) || err != nil {
					t.Errorf("compared before it is written: %v, %v", d, err)
				}
				b.stop(t)
			})
		})
	}
}

func TestHintWithoutAHostsFile(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		cfg, store := s.hostsOnly(), newStore(t)
		cfg.Hosts = ""
		b := startInBubble(t, cfg, realSystem(), func(ctx context.Context, k *Keeper) error { return k.Run(ctx, store) })
		b.Hint()
		time.Sleep(2 * time.Second)
		b.stop(t)
		wantNone(t, s.path("etc/hosts"))
	})
}

func TestRunLeavesTheUsersEditsAlone(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		b := startInBubble(t, s.hostsOnly(), realSystem(), func(ctx context.Context, k *Keeper) error { return k.Run(ctx, store) })
		time.Sleep(time.Second)
		synctest.Wait()
		writes := len(b.times)
		write(t, s.path("etc/hosts"), "192.0.2.1 printer\n"+block("")+"# tail")
		b.touch()
		time.Sleep(time.Minute)
		synctest.Wait()
		b.stop(t)
		if len(b.times) != writes {
			t.Errorf("%d writes, want none", len(b.times)-writes)
		}
		wantFile(t, s.path("etc/hosts"), "192.0.2.1 printer\n"+block("")+"# tail")
	})
}

// TestForeignWritesAreNoticed uses the real inotify, through a symlink too.
func TestForeignWritesAreNoticed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(path string) error
	}{
		{"overwritten", func(path string) error { return os.WriteFile(path, []byte("x\n"), 0o644) }},
		{"replaced", func(path string) error {
			if err := os.WriteFile(path+".new", []byte("x\n"), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}},
		{"removed", os.Remove},
	} {
		for _, target := range []string{"etc/hosts", "run/hosts"} {
			t.Run(c.name+" "+target, func(t *testing.T) {
				t.Parallel()
				s := newScratch(t)
				if target != "etc/hosts" {
					if err := os.Symlink("/"+target, s.path("etc/hosts")); err != nil {
						t.Fatal(err)
					}
				}
				store := newStore(t)
				written := make(chan struct{}, 100)
				cfg := s.hostsOnly()
				cfg.Written = func(string) { written <- struct{}{} }
				k := mustStart(t, cfg, store)
				<-written
				ctx, cancel := context.WithCancel(t.Context())
				watching := make(chan struct{}, 100)
				watch := k.watch
				k.watch = func(ctx context.Context, look func()) {
					watch(ctx, func() { look(); watching <- struct{}{} })
				}
				ended := make(chan error, 1)
				go func() { ended <- k.Run(ctx, store) }()
				<-watching
				if err := c.do(s.path(target)); err != nil {
					t.Fatal(err)
				}
				<-watching
				<-written
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if err := k.CheckSelf(store.Snapshot()); err != nil {
					t.Error(err)
				}
				got, err := os.ReadFile(s.path(target))
				if err != nil || !strings.Contains(string(got), hostsformat.BeginMarker) {
					t.Errorf("the file holds %q, %v", got, err)
				}
			})
		}
	}
}

// A hosts file that cannot be written must not keep the others from being tried
// again, though each of its failures ends a Run.
func TestRunTriesMachineIDAgainWhileHostsFails(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t)
		sys := realSystem()
		rename := sys.Rename
		attempts := 0
		sys.Rename = func(from, to string) error {
			if strings.HasSuffix(to, "machine-id") {
				if attempts++; attempts < 3 {
					return unix.EIO
				}
				return rename(from, to)
			}
			return unix.EIO
		}
		cfg := s.config()
		cfg.Hostname = false
		b := startInBubble(t, cfg, sys, func(ctx context.Context, k *Keeper) error {
			_ = k.Start(store.Snapshot())
			for ctx.Err() == nil {
				_ = k.Run(ctx, store)
				time.Sleep(time.Second) // as a caller that runs it again would
			}
			return nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if attempts != 3 {
			t.Errorf("machine-id was tried %d times, want 3", attempts)
		}
		b.cancel()
		<-b.ended
	})
}
