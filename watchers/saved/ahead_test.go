package saved

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// Before the hosts file gets what the zone has, the next start has the same, whatever
// has changed since Run wrote last.
func TestSaveAhead(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(p *process, files *zone.Source){
		"an address":           func(p *process, _ *zone.Source) { p.curator.Set(live(1, "10.0.0.11")) },
		"a new node":           func(p *process, _ *zone.Source) { p.curator.Set(live(9, "10.0.0.9")) },
		"a departure":          func(p *process, _ *zone.Source) { p.curator.Gone(id(1)) },
		"absence":              func(p *process, _ *zone.Source) { p.backlog("A", live(2, "10.0.0.2")) },
		"the end of retention": func(p *process, _ *zone.Source) { p.curator.Gone(id(1)); time.Sleep(25 * time.Hour) },
		"another name":         func(p *process, _ *zone.Source) { p.curator.Set(called(1, "web-2")) },
		"a name of two":        func(p *process, _ *zone.Source) { p.curator.Set(called(2, "web-1")) },
		"a name that is free":  func(p *process, _ *zone.Source) { p.curator.Set(called(2, "web-1")); p.curator.Gone(id(1)) },
		"our name":             func(p *process, _ *zone.Source) { p.curator.Set(called(0, "box")) },
		"our address":          func(p *process, _ *zone.Source) { p.Store.SetLocal(addrs("10.0.0.2")) },
		"a file":               func(_ *process, files *zone.Source) { files.Set(zone.Entry{ID: "nas", Addresses: addrs("10.0.0.8")}) },
		"no entry of a file":   func(_ *process, files *zone.Source) { files.Retract("printer") },
		"a new backlog":        func(p *process, _ *zone.Source) { p.curator.Begin(); p.curator.Set(live(2, "10.0.0.22")) },
		"a second cluster": func(p *process, _ *zone.Source) {
			p.Store.Source("other").Expect(true)
			p.curator.Set(live(2, "10.0.0.22"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := start(t, t.TempDir())
				go p.Store.Run(t.Context()) // for the retention
				files := p.Store.FileSource("files")
				stop := p.run()
				files.Begin()
				files.Set(zone.Entry{ID: "printer", Addresses: addrs("10.0.0.7")})
				files.Complete()
				p.backlog("A", called(1, "web-1"), live(2, "10.0.0.2"))
				synctest.Wait()
				stop() // it will write no more

				change(p, files)
				p.SaveAhead()
				if got, want := p.restart().zone(), p.zone(); !slices.Equal(got, want) {
					t.Errorf("zone after the restart %q, want %q", got, want)
				}
				writes := p.writes()
				p.SaveAhead()
				if writes != 2 || p.writes() != writes {
					t.Errorf("%d writes, and %d with what is the same", writes, p.writes())
				}
			})
		})
	}
}

// Which of several nodes has a name or an address survives too where that is all that
// has changed since the last write: one of them had let go of it, and is back.
func TestSaveAheadOfOtherOwners(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		both  [2]zone.Entry
		apart zone.Entry // the first, while it lets go
	}{
		"a name":     {[2]zone.Entry{called(1, "web"), called(2, "web")}, called(1, "other")},
		"an address": {[2]zone.Entry{live(1, "10.0.0.1"), live(2, "10.0.0.1")}, live(1, "10.0.0.3")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := start(t, t.TempDir())
				p.backlog("A", tt.both[:]...)
				p.SaveAhead()
				p.curator.Set(tt.apart)
				p.curator.Set(tt.both[0])
				p.SaveAhead()
				next := p.restart()
				if got, want := next.zone(), p.zone(); !slices.Equal(got, want) {
					t.Errorf("zone after the restart %q, want %q", got, want)
				}
				got, want := next.Store.Snapshot().AddressConflicts(), p.Store.Snapshot().AddressConflicts()
				if got, want := slices.Collect(got), slices.Collect(want); !slices.Equal(got, want) {
					t.Errorf("contested addresses %v, want %v", got, want)
				}
			})
		})
	}
}

func TestSaveAheadOfAnotherCluster(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, t.TempDir())
		p.backlog("A", live(1, "10.0.0.1"))
		p.SaveAhead()
		p.curator.SetCluster("B")
		p.curator.Begin()
		p.curator.Set(live(2, "10.0.0.2"))
		p.SaveAhead()
		requireNoFile(t, p.Path)
		p.curator.Complete()
		p.SaveAhead()
		if got := p.restart().zone(); len(got) != 2 || !strings.HasPrefix(got[1], "2[10.0.0.2]") {
			t.Errorf("zone %q", got)
		}
	})
}

// Run makes durable what was saved ahead, without a write of its own.
func TestSavedAheadIsMadeDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, t.TempDir())
		p.backlog("A", live(1, "10.0.0.1"), live(2))
		p.curator.Gone(id(2)) // the time that it has been gone is not worth a write yet
		p.SaveAhead()
		time.Sleep(time.Minute)
		if !p.unsynced {
			t.Error("a write that the hosts file waits for was synced")
		}
		defer p.run()()
		time.Sleep(minInterval)
		synctest.Wait()
		if p.unsynced || p.writes() != 1 {
			t.Errorf("not durable: %v, after %d writes", p.unsynced, p.writes())
		}
	})
}

// A state directory that hangs costs the hosts file a second, and Run reports it.
func TestSaveAheadOfADiskThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := start(t, t.TempDir())
		p.backlog("A", live(1, "10.0.0.1"))
		hangs := make(chan struct{})
		began := time.Now()
		hang := func() error { <-hangs; return nil }
		if err := p.inTurn(time.Second, hang); err == nil || time.Since(began) != time.Second {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
		began = time.Now()
		p.SaveAhead()
		if took := time.Since(began); took != aheadPatience {
			t.Errorf("the hosts file waited for %v", took)
		}
		requireNoFile(t, p.Path)
		if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), p.Path+" has not answered for 30s") {
			t.Errorf("Run = %v", err)
		}
		close(hangs)
		p.SaveAhead()
		if got := p.restart().zone(); len(got) != 2 {
			t.Errorf("zone %q", got)
		}
	})
}

// What can't be written for the hosts file, Run reports, and makes up for.
func TestSaveAheadFails(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.backlog("A", live(1, "10.0.0.1"))
	testkit.Must(t, os.MkdirAll(filepath.Join(p.file()+".new", "in", "the", "way"), 0o700))
	p.SaveAhead()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := p.Run(ctx); err == nil {
		t.Error("Run reports no error")
	}
	testkit.Must(t, os.RemoveAll(p.file()+".new"))
	testkit.Must(t, p.Run(ctx))
	if got := p.restart().zone(); len(got) != 2 {
		t.Errorf("zone %q", got)
	}
}

// A file that could not be loaded is older than what is known by now: it must not be
// loaded another time.
func TestUnreadFileIsSetAside(t *testing.T) {
	t.Parallel()
	for name, complete := range map[string]bool{"complete": true, "incomplete": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir())
			testkit.Must(t, os.Symlink(FileName, p.file()))
			if err := p.Load(); err == nil || !strings.Contains(err.Error(), syscall.ELOOP.Error()) {
				t.Fatalf("Load = %v", err)
			}
			if _, err := os.Lstat(p.file()); err != nil {
				t.Errorf("it is gone at once: %v", err)
			}
			p.curator.Begin()
			p.curator.Set(live(1, "10.0.0.1"))
			if complete {
				p.curator.Complete()
			}
			p.SaveAhead()
			p.SaveAhead()
			if got := len(p.restart().zone()) == 2; got != complete {
				t.Errorf("saved: %v", got)
			}
			if got := p.log.Count("newer ones are known"); got == 0 != complete {
				t.Errorf("%d lines on a file set aside:\n%s", got, p.log)
			}
		})
	}
}
