package zone

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchYieldsTheNewestAtOnceAndSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.curator.Set(node(a))
		ctx, cancel := context.WithCancel(t.Context())
		var seen []uint64
		proceed := make(chan struct{})
		var watcher sync.WaitGroup
		watcher.Go(func() {
			for s := range f.Watch(ctx) {
				seen = append(seen, s.Serial())
				<-proceed
			}
		})
		synctest.Wait()
		for i := range 5 {
			f.curator.Set(node(a, fmt.Sprintf("192.0.2.%d", i+1)))
		}
		proceed <- struct{}{}
		synctest.Wait()
		proceed <- struct{}{}
		synctest.Wait()
		cancel()
		watcher.Wait()
		if fmt.Sprint(seen) != "[2 7]" {
			t.Errorf("saw serials %v, want the one at the start and the last", seen)
		}
		if len(f.watchers) != 0 {
			t.Error("the watcher is still subscribed")
		}
	})
}

func TestWatchEndsWhenTheLoopIsLeft(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range f.Watch(t.Context()) {
		break
	}
	if len(f.watchers) != 0 {
		t.Error("the watcher is still subscribed")
	}
}

func TestRunDropsExpiredAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := NewStore(Config{Local: "self", RetainDeparted: RetainFor(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		src := s.Source("curator")
		src.SetConnected(true)
		src.Set(node(a, "192.0.2.1"))
		src.Gone(a)
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Hour + expiryInterval)
		synctest.Wait()
		if got := show(s.Snapshot(), a); got != "" {
			t.Errorf("after the retention it is %q", got)
		}
		cancel()
		run.Wait()
	})
}

// TestDerivedStateStaysTrue makes random changes and compares everything that
// the Store keeps up to date step by step with what follows from the nodes.
func TestDerivedStateStaysTrue(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.RetainDeparted = RetainFor(50 * time.Second) })
	r := rand.New(rand.NewPCG(3, 4))
	addr := func() string { return fmt.Sprintf("192.0.2.%d", 1+r.IntN(6)) }
	id := func() string { return testID(0x58 + r.IntN(12)) }
	f.connect()
	for step := range 5000 {
		before := f.Snapshot()
		switch r.IntN(12) {
		case 0:
			f.setLocal(addr(), "2001:db8::7")
		case 1:
			f.curator.Begin()
		case 2:
			f.curator.Complete()
		case 3, 4:
			f.curator.Gone(id(), id())
		case 5:
			f.curator.Set(node(id(), "127.0.0.1"), node(id()))
		case 6:
			f.Saved().Set(node(id(), addr()))
		case 7:
			f.pass(20 * time.Second)
			f.dropExpired()
		default:
			f.curator.Set(node(id(), addr(), "2001:db8::1"), node(id(), addr()))
		}
		if f.checkDerived(before); t.Failed() {
			t.Fatalf("at step %d", step)
		}
	}
}

func (f *fixture) checkDerived(before *Snapshot) {
	f.t.Helper()
	s := f.Snapshot()
	want := Counts{Quarantined: s.Counts().Quarantined}
	owners := map[netip.Addr]Node{}
	claims := map[netip.Addr][]ID{} // of the live ones
	for n := range s.All() {
		if n.Departed() && !n.IsLocal() {
			want.Departed++
		} else {
			want.Live++
		}
		for addr := range n.Addrs() {
			owner, taken := owners[addr]
			if taken && (owner.IsLocal() || n.IsLocal()) {
				f.t.Errorf("%s is shared with this machine", addr)
			}
			if !n.Departed() {
				claims[addr] = append(claims[addr], n.ID())
			}
			had, _ := before.Reverse(addr)
			switch {
			case !taken, owner.Departed() && !n.Departed():
				owners[addr] = n
			case owner.Departed() == n.Departed() && had.ID() == n.ID():
				owners[addr] = n // the incumbent
			}
		}
	}
	for c := range s.AddressConflicts() {
		all, owner := claims[c.Addr], owners[c.Addr].ID()
		others := slices.DeleteFunc(slices.Clone(all), func(id ID) bool { return id == owner })
		if len(all) != c.Count || c.Nodes != [2]ID{owner, others[0]} {
			f.t.Errorf("conflict %+v, want one of %v that %s has the reverse record of", c, all, owner)
		}
	}
	for _, all := range claims {
		if len(all) > 1 {
			want.AddressConflicts++
		}
	}
	f.wantCounts(want)
	for addr, owner := range owners {
		f.wantReverse(addr.String(), string(owner.ID()))
	}
	if s.reverse.size > len(owners) {
		f.t.Errorf("%d reverse records for %d addresses", s.reverse.size, len(owners))
	}
}
