package upstream

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Servers on standby are probed while no other answers, and never queried.
func TestStandby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, _ := imagine(Config{}, after(rtt), after(rtt), after(lost))
		groups := p.Use(Options{}, []Server{servers[0].server})
		living, dead := servers[1], servers[2]
		p.Standby(groups[0], []Server{living.server, dead.server})
		defer run(t, p)()
		answering := func(want ...Server) {
			t.Helper()
			if got := p.Answering(); !slices.Equal(got, want) {
				t.Errorf("answering are %v, want %v", got, want)
			}
		}
		client := func() {
			_, _ = groups[0].Exchange(t.Context(), query("www.example."))
			time.Sleep(5 * time.Second)
		}
		for range 10 {
			client()
		}
		answering()
		if n := len(living.take()) + len(dead.take()); n > 0 {
			t.Errorf("%d queries while they were not needed", n)
		}

		for range 2 {
			servers[0].set(after(lost), nil)
			for range 10 {
				client()
			}
			answering(living.server)
			for _, s := range []*imagined{living, dead} {
				asked := s.take()
				if len(asked) == 0 || queries(asked) > 0 {
					t.Errorf("%v got %d queries, %d of clients", s.server, len(asked), queries(asked))
				}
			}
			p.Standby(groups[0], []Server{living.server, dead.server}) // what is known of them stays
			answering(living.server)

			servers[0].set(after(rtt), nil)
			for range 10 {
				client()
			}
			answering()
			living.take()
			dead.take()
		}

		// A machine that makes no queries sends nothing.
		servers[0].set(after(lost), nil)
		client()
		time.Sleep(2 * idleAfter)
		living.take()
		time.Sleep(time.Hour)
		if n := len(living.take()); n > 0 {
			t.Errorf("%d queries of an idle machine", n)
		}

		p.Standby(groups[0], nil)
		client()
		answering()
	})
}
