package upstream

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

// A command reads the status of a daemon that has more states.
func TestStateOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]State{"good": Good, "looping": Looping, "resting": Unknown, "": Unknown} {
		state := Down
		if err := state.UnmarshalText([]byte(text)); err != nil || state != want {
			t.Errorf("%q is %v (%v), want %v", text, state, err, want)
		}
	}
}

// The first deadline that a good server misses makes it doubtful, and has it
// probed in the same moment.
func TestGoodServerThatFailsIsProbedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt))
		defer run(t, p)()
		for range 20 { // its deadline is the least there is then
			ask(t, g)
		}
		time.Sleep(time.Second)
		servers[0].set(after(lost), nil)
		servers[0].take()
		var asking sync.WaitGroup
		defer asking.Wait()
		asking.Go(func() { _, _ = g.Exchange(t.Context(), query("www.example.")) })
		want := func(state State, probes int) {
			t.Helper()
			synctest.Wait()
			asked := servers[0].take()
			if got := p.Status()[0].State; got != state || len(asked)-queries(asked) != probes {
				t.Errorf("it is %v after %d probes, want %v after %d", got, len(asked)-queries(asked), state, probes)
			}
		}
		time.Sleep(minDeadline - 1)
		want(Good, 0)
		time.Sleep(time.Nanosecond)
		want(Doubtful, 1)
	})
}

// A server that is down is asked where nothing else is left. That another one is
// faster, or that it is silent once more, shows nothing new: it stays down, and
// since when.
func TestOvertakenServerStaysDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testkit.Log
		p, servers, g := imagine(Config{Logger: log.Logger()}, after(lost), after(lost))
		defer run(t, p)()
		for range 2 * maxMisses {
			_, _ = g.Exchange(t.Context(), query("www.example."))
		}
		was := g.peers[0].status()
		if was.State != Down || g.peers[1].status().State != Down {
			t.Fatalf("they are %v and %v, want both down", was.State, g.peers[1].status().State)
		}
		silent := func(what string) {
			t.Helper()
			synctest.Wait()
			if now := g.peers[0].status(); now.State != Down || now.Since != was.Since || now.Reason != was.Reason {
				t.Errorf("%s it is %v since %v (%s), want down since %v (%s)", what, now.State, now.Since, now.Reason, was.Since, was.Reason)
			}
		}
		time.Sleep(time.Second)
		_, _ = g.Exchange(t.Context(), query("www.example."))
		silent("silent again,")
		servers[1].set(after(rtt), nil)
		if got, _ := ask(t, g); got.Server != servers[1].server {
			t.Fatalf("got an answer of %v", got.Server)
		}
		silent("overtaken")
		for name, want := range map[string]int{"it is left out until it does": 2, "the upstream answers again": 1} {
			if n := log.Count(name); n != want {
				t.Errorf("%d times in the log: %q, want %d\n%s", n, name, want, log.String())
			}
		}
	})
}

// Silence does not show that a loop is over.
func TestLoopingServerThatIsSilentStaysLeftOut(t *testing.T) {
	t.Parallel()
	p := New(Config{})
	peer := p.Use(Options{}, []Server{Plain(netip.MustParseAddrPort("10.0.0.1:53"))})[0].peers[0]
	peer.looped()
	for range 2 * maxMisses {
		peer.unproven(errTimedOut, time.Now())
		peer.missed(errors.New("connection refused"), time.Now(), true)
	}
	if got := peer.status().State; got != Looping {
		t.Errorf("it is %v, want looping", got)
	}
}
