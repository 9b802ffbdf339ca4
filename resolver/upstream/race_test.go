package upstream

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

const rtt = 10 * time.Millisecond

// With the first of two servers dead no query after the third waits, and none
// goes there until a probe is answered.
// Shows RFC 1034 5.3.3b.
func TestDeadFirstServerCostsThreeQueries(t *testing.T) {
	for name, running := range map[string]bool{"with Run": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(lost), after(rtt))
				if running {
					defer run(t, p)()
				}
				for i := range maxMisses {
					if got, took := ask(t, g); got.Server != servers[1].server || took > unknownDeadline+rtt {
						t.Errorf("query %d: %v after %v", i+1, got.Server, took)
					}
				}
				servers[0].take()
				for i := range 50 {
					if _, took := ask(t, g); took != rtt {
						t.Fatalf("query %d: %v", i+maxMisses+1, took)
					}
				}
				if n := queries(servers[0].take()); n > maxMisses*maxDatagrams {
					t.Errorf("the dead server was asked %d queries", n)
				}
			})
		})
	}
}

// A server that is found to be down holds nobody back any longer, be it in the
// middle of a race: neither the reply that a later one has given, nor the query to
// one that has not been asked yet.
func TestRaceDoesNotWaitForServerThatIsDown(t *testing.T) {
	for name, began := range map[string]time.Duration{
		"the next has replied":   unknownDeadline/2 - 2*rtt,
		"the next was not asked": unknownDeadline / 2,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(lost), after(rtt))
				defer run(t, p)()
				var others sync.WaitGroup
				defer others.Wait()
				for range maxMisses {
					others.Go(func() { _, _ = g.Exchange(t.Context(), query("other.example.")) })
				}
				time.Sleep(began)
				got, took := ask(t, g)
				if got.Server != servers[1].server || took > unknownDeadline-began+rtt {
					t.Errorf("%v after %v", got.Server, took)
				}
				if got := state(p, servers[0].server); got != Down {
					t.Errorf("the first is %v, want down", got)
				}
			})
		})
	}
}

func TestServerThatDiesCostsThreeQueries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt), after(rtt))
		defer run(t, p)()
		for range 40 {
			ask(t, g)
		}
		servers[0].set(after(lost), nil)
		for i := range maxMisses {
			if got, took := ask(t, g); got.Server != servers[1].server || took > minDeadline {
				t.Errorf("query %d: %v after %v", i+1, got.Server, took)
			}
		}
		for i := range 50 {
			if _, took := ask(t, g); took != rtt {
				t.Fatalf("query %d: %v", i+maxMisses+1, took)
			}
		}
		if got := state(p, servers[0].server); got != Down {
			t.Errorf("it is %v, want down", got)
		}
		servers[0].set(after(rtt), nil)
		time.Sleep(maxBackoff)
		if got := state(p, servers[0].server); got != Good {
			t.Errorf("after it came back it is %v, want good", got)
		}
		if got, _ := ask(t, g); got.Server != servers[0].server {
			t.Errorf("asked %v, want the first again", got.Server)
		}
	})
}

// Names that nobody answers do not make a server down that answers others, or
// its probes.
func TestSilentNamesSayNothingOfServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt), after(rtt))
		defer run(t, p)()
		ask(t, g)
		for _, s := range servers {
			s.set(after(rtt), silentFor("dead.example."))
		}
		was := g.Recoveries()
		for range 20 {
			var asking sync.WaitGroup
			for range 20 {
				asking.Go(func() { _, _ = g.Exchange(t.Context(), query("dead.example.")) })
			}
			asking.Wait()
			if got, took := ask(t, g); got.Server != servers[0].server || took != rtt {
				t.Fatalf("another name: %v after %v", got.Server, took)
			}
		}
		if got := state(p, servers[0].server); got == Down || g.Recoveries() != was {
			t.Errorf("the server is %v, and has recovered %d times", got, g.Recoveries()-was)
		}
	})
}

// silentFor answers all names but one.
func silentFor(name string) func(*dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Name == name {
			return nil
		}
		return reply(q, "192.0.2.1")
	}
}

// The order of the list decides, whatever is faster and whatever it says: an
// internal name is known to the first server only.
func TestEarlierServersComeFirst(t *testing.T) {
	denial := withRcode(dns.RcodeNameError)
	tests := map[string]struct {
		first       func() time.Duration
		respond     func(*dns.Msg) *dns.Msg
		second      time.Duration
		want        int
		took        time.Duration
		provisional bool
	}{
		"faster":                   {after(5 * time.Millisecond), nil, rtt, 0, 5 * time.Millisecond, false},
		"much slower":              {after(90 * time.Millisecond), nil, time.Millisecond, 0, 90 * time.Millisecond, false},
		"a denial":                 {after(90 * time.Millisecond), denial, time.Millisecond, 0, 90 * time.Millisecond, false},
		"late":                     {after(150 * time.Millisecond), nil, time.Millisecond, 1, 100 * time.Millisecond, true},
		"late, and before another": {after(150 * time.Millisecond), nil, 120 * time.Millisecond, 0, 150 * time.Millisecond, false},
		"lost":                     {after(lost), nil, time.Millisecond, 1, 100 * time.Millisecond, true},
		"SERVFAIL":                 {after(40 * time.Millisecond), withRcode(dns.RcodeServerFailure), rtt, 1, 50 * time.Millisecond, false},
		"SERVFAIL, later":          {after(90 * time.Millisecond), withRcode(dns.RcodeServerFailure), rtt, 1, 90 * time.Millisecond, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(rtt), after(rtt))
				defer run(t, p)()
				for range 20 {
					ask(t, g)
				}
				servers[0].set(tt.first, tt.respond)
				servers[1].set(after(tt.second), denial)
				got, took := ask(t, g)
				if got.Server != servers[tt.want].server || took != tt.took || got.Provisional != tt.provisional {
					t.Errorf("%v after %v, provisional: %t", got.Server, took, got.Provisional)
				}
			})
		})
	}
}

// What a later server says while an earlier one is only late is replaced by the
// late reply, if one comes.
func TestLateReplyIsDelivered(t *testing.T) {
	for name, tt := range map[string]struct {
		delay   func() time.Duration
		respond func(*dns.Msg) *dns.Msg
		want    bool
	}{
		"late":         {after(500 * time.Millisecond), nil, true},
		"too late":     {after(Total), nil, false},
		"lost":         {after(lost), nil, false},
		"late failure": {after(500 * time.Millisecond), withRcode(dns.RcodeServerFailure), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(rtt), after(rtt))
				defer run(t, p)()
				ask(t, g)
				servers[0].set(tt.delay, tt.respond)
				began := time.Now()
				got, _ := ask(t, g)
				if got.Server != servers[1].server || !got.Provisional {
					t.Fatalf("got %+v", got)
				}
				late, ok := <-got.Late
				if ok != tt.want || ok && (late.Server != servers[0].server || late.Provisional) || time.Since(began) > Total {
					t.Errorf("%+v after %v", late, time.Since(began))
				}
				synctest.Wait()
				if n := p.places.count() + g.peers[0].places.count() + g.peers[1].places.count(); n != 0 {
					t.Errorf("%d places are taken", n)
				}
			})
		})
	}
}

// A server that was asked too, and is not awaited, has missed nothing.
func TestUnawaitedExchangeIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt), after(rtt), after(rtt))
		defer run(t, p)()
		ask(t, g)
		servers[0].set(after(lost), nil)
		servers[1].set(after(60*time.Millisecond), nil)
		servers[2].set(after(lost), nil)
		if got, _ := ask(t, g); got.Server != servers[1].server || !got.Provisional || len(servers[2].take()) == 0 {
			t.Fatalf("got %+v", got)
		}
		synctest.Wait()
		if failures := g.peers[2].status().Failures; failures != 0 {
			t.Errorf("%d failures of a server that was asked last", failures)
		}
	})
}

// While all servers are down a query costs one try of each and half a second,
// and the first that is back answers.
func TestAllServersDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(lost), after(lost))
		defer run(t, p)()
		for range maxMisses {
			_, _ = g.Exchange(t.Context(), query("www.example."))
		}
		for i, s := range servers {
			s.take()
			if got := state(p, s.server); got != Down {
				t.Fatalf("server %d is %v", i, got)
			}
		}
		for range 10 {
			began := time.Now()
			if _, err := g.Exchange(t.Context(), query("www.example.")); err == nil || time.Since(began) > briefly {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
		for i, s := range servers {
			if n := queries(s.take()); n != 10 {
				t.Errorf("server %d got %d queries", i, n)
			}
		}
		servers[1].set(after(rtt), nil)
		if got, took := ask(t, g); got.Server != servers[1].server || took > briefly {
			t.Errorf("%v after %v", got.Server, took)
		}
		if _, took := ask(t, g); took != rtt {
			t.Errorf("the next query: %v", took)
		}
	})
}

// When servers that were down are back their order counts again, among them and
// before one that is late.
func TestOrderOfServersThatAreBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(lost), after(lost))
		defer run(t, p)()
		down := func(i int) {
			t.Helper()
			for range maxMisses {
				_, _ = g.Exchange(t.Context(), query("www.example."))
			}
			if got := state(p, servers[i].server); got != Down {
				t.Fatalf("server %d is %v", i, got)
			}
		}
		down(0)
		down(1)
		servers[0].set(after(2*rtt), nil)
		servers[1].set(after(rtt), withRcode(dns.RcodeNameError))
		if got, took := ask(t, g); got.Server != servers[0].server || got.Provisional || took != 2*rtt {
			t.Errorf("both are back: %v after %v", got.Server, took)
		}
		ask(t, g)
		time.Sleep(maxBackoff)
		servers[0].set(after(lost), nil)
		for range maxMisses {
			ask(t, g)
		}
		servers[0].set(after(rtt), nil)
		servers[1].set(after(300*time.Millisecond), withRcode(dns.RcodeNameError))
		if got, _ := ask(t, g); got.Server != servers[0].server || got.Provisional {
			t.Errorf("the first is back, and the second late: %v, provisional: %t", got.Server, got.Provisional)
		}
	})
}

// Without Run a server that is down gets a query from time to time.
func TestServerThatIsDownWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, servers, g := imagine(Config{}, after(lost), after(rtt))
		for range maxMisses {
			ask(t, g)
		}
		for range 3 {
			time.Sleep(untried)
			if _, took := ask(t, g); took == rtt {
				t.Error("it is not asked again")
			}
			if _, took := ask(t, g); took != rtt {
				t.Errorf("the next query took %v", took)
			}
		}
		servers[0].set(after(rtt), nil)
		time.Sleep(untried)
		if got, _ := ask(t, g); got.Server != servers[0].server {
			t.Errorf("got an answer of %v", got.Server)
		}
	})
}

// What a living server turns down is not held back for one that is down.
func TestRejectionIsNotHeldBackByServersThatAreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt), after(lost))
		defer run(t, p)()
		servers[0].set(after(rtt), withRcode(dns.RcodeRefused))
		time.Sleep(20 * time.Second)
		if got := state(p, servers[1].server); got != Down {
			t.Fatalf("the second is %v", got)
		}
		servers[1].take()
		if got, took := ask(t, g); got.Msg.Rcode != dns.RcodeRefused || took != rtt || queries(servers[1].take()) != 0 {
			t.Errorf("%v after %v", got.Msg, took)
		}
	})
}

func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, servers, g := imagine(Config{}, after(rtt), after(rtt), after(rtt))
		g = g.Rotated()
		for range 100 {
			ask(t, g)
		}
		for i, s := range servers {
			if n := queries(s.take()); n < 10 {
				t.Errorf("server %d was asked %d times", i, n)
			}
		}
	})
}

func TestMostInformativeErrorIsRelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, servers, g := imagine(Config{}, after(rtt), after(rtt), after(lost))
		servers[0].set(after(rtt), func(q *dns.Msg) *dns.Msg {
			m := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			m.SetEdns0(payload, false)
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus}}
			return m
		})
		servers[1].set(after(rtt), withRcode(dns.RcodeRefused))
		got, took := ask(t, g)
		if got.Msg.Rcode != dns.RcodeServerFailure || len(Extended(got.Msg)) != 1 {
			t.Errorf("got %v", got.Msg)
		}
		if took > Total {
			t.Errorf("it took %v", took)
		}
	})
}

// Shows RFC 1034 5.3.3a.
// Shows RFC 1123 6.1.3.3a, 6.1.3.3b.
func TestSilenceEndsByTheDeadline(t *testing.T) {
	for name, n := range map[string]int{"one server": 1, "two": 2, "seven": 7, "twenty": 20} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, servers, g := imagine(Config{}, slices.Repeat([]func() time.Duration{after(lost)}, n)...)
				began := time.Now()
				_, err := g.Exchange(t.Context(), query("www.example."))
				var failure *Failure
				if !errors.As(err, &failure) || failure.Code() != dns.ExtendedErrorCodeNoReachableAuthority {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took > Total {
					t.Errorf("it took %v", took)
				}
				reached := 0
				for i, s := range servers {
					asked := len(s.take())
					if asked > 3+1 {
						t.Errorf("server %d got %d queries", i, asked)
					}
					reached += min(asked, 1)
				}
				if reached < min(n, 5) {
					t.Errorf("%d servers were asked", reached)
				}
			})
		})
	}
}

func TestExchangeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, g := imagine(Config{}, after(lost))
		defer run(t, p)()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := g.Exchange(ctx, query("www.example.")); err == nil || time.Since(began) > 50*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestRunEndsTheQueriesInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, g := imagine(Config{}, after(lost))
		stop := run(t, p)
		done := make(chan error)
		go func() {
			_, err := g.Exchange(t.Context(), query("www.example."))
			done <- err
		}()
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		stop()
		if err := <-done; err == nil || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		defer run(t, p)() // again
		synctest.Wait()
		if err := p.Run(t.Context()); err == nil {
			t.Error("it runs twice concurrently")
		}
	})
}
