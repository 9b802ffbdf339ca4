package upstream

import (
	"context"
	"errors"
	"math/rand"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

const rtt = 10 * time.Millisecond

func TestDeadFirstServerCostsOnceOnly(t *testing.T) {
	for name, running := range map[string]bool{"with Run": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(lost), after(rtt))
				if running {
					defer run(t, p)()
				}
				if got, took := ask(t, g); got.Server != servers[1].server || took > 300*time.Millisecond {
					t.Errorf("the first query: %v after %v", got.Server, took)
				}
				for i := range 50 {
					if _, took := ask(t, g); took != rtt {
						t.Fatalf("query %d: %v", i+2, took)
					}
				}
				if n := queries(servers[0].take()); n != 1 {
					t.Errorf("the dead server was asked %d queries", n)
				}
			})
		})
	}
}

func TestServerThatDiesCostsOnceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt), after(rtt))
		defer run(t, p)()
		for range 40 {
			ask(t, g)
		}
		servers[0].set(after(lost), nil)
		if got, took := ask(t, g); got.Server != servers[1].server || took > 300*time.Millisecond {
			t.Errorf("the first query: %v after %v", got.Server, took)
		}
		for i := range 50 {
			if _, took := ask(t, g); took != rtt {
				t.Fatalf("query %d: %v", i+2, took)
			}
		}
		time.Sleep(5 * time.Second)
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

// With 5 % of the packets lost in each direction the 99th percentile stays
// below twice that without loss and one interval of repetition.
func TestLoss(t *testing.T) {
	for name, servers := range map[string]int{"one server": 1, "two": 2, "three": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				source := rand.New(rand.NewSource(1))
				random := func(n int) int {
					mu.Lock()
					defer mu.Unlock()
					return source.Intn(n)
				}
				delay := func() time.Duration { return rtt + time.Duration(random(5))*time.Millisecond }
				delays := slices.Repeat([]func() time.Duration{delay}, servers)
				percentile := func(p *Pool, g *Group) time.Duration {
					defer run(t, p)()
					took := make([]time.Duration, 5000)
					for i := range took {
						_, took[i] = ask(t, g)
					}
					slices.Sort(took)
					return took[len(took)*99/100]
				}
				p, imagined, g := imagine(Config{}, delays...)
				clean := percentile(p, g)
				for _, s := range imagined {
					s.set(func() time.Duration {
						if there, back := random(100), random(100); there < 5 || back < 5 {
							return lost
						}
						return delay()
					}, nil)
				}
				// Without loss the interval is the least there is.
				if lossy := percentile(p, g); lossy > 2*clean+minInterval {
					t.Errorf("99th percentile: %v without loss, %v with", clean, lossy)
				}
			})
		})
	}
}

func TestSlowServerIsHedged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt), after(rtt))
		defer run(t, p)()
		for range 40 {
			ask(t, g)
		}
		servers[0].set(after(90*time.Millisecond), nil)
		got, took := ask(t, g)
		if got.Server != servers[1].server || took != minHedge+rtt {
			t.Errorf("%v after %v", got.Server, took)
		}
		// It was slow and not dead, as its late reply has shown.
		time.Sleep(time.Second)
		if got := state(p, servers[0].server); got != Good {
			t.Errorf("it is %v, want good", got)
		}
	})
}

func TestHedgesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		turn := 0
		// Slow every other time, so that the first server stays preferred.
		p, servers, g := imagine(Config{}, func() time.Duration {
			if turn++; turn%2 == 0 {
				return 60 * time.Millisecond
			}
			return time.Millisecond
		}, after(50*time.Millisecond))
		defer run(t, p)()
		for range n {
			ask(t, g)
		}
		total := queries(servers[0].take()) + queries(servers[1].take())
		if extra := total - n; extra > n*hedgeShare+hedgeBurst {
			t.Errorf("%d extra queries for %d", extra, n)
		}
	})
}

func TestFasterServerIsPreferred(t *testing.T) {
	tests := map[string]struct {
		first, second time.Duration
		want          int
	}{
		"much faster":   {100 * time.Millisecond, 5 * time.Millisecond, 1},
		"about as fast": {15 * time.Millisecond, 10 * time.Millisecond, 0},
		"slower":        {10 * time.Millisecond, 100 * time.Millisecond, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(tt.first), after(tt.second))
				defer run(t, p)()
				time.Sleep(time.Second) // both are probed
				if got, _ := ask(t, g); got.Server != servers[tt.want].server {
					t.Errorf("asked %v", got.Server)
				}
			})
		})
	}
}

func TestRejections(t *testing.T) {
	for _, rcode := range []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented} {
		t.Run(dns.RcodeToString[rcode], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(rtt), after(rtt))
				defer run(t, p)()
				servers[0].set(after(rtt), withRcode(rcode))
				time.Sleep(time.Second)
				for range maxRejections {
					if got, _ := ask(t, g); got.Server != servers[1].server || got.Msg.Rcode != dns.RcodeSuccess {
						t.Fatalf("got %v from %v", got.Msg, got.Server)
					}
				}
				if got := state(p, servers[0].server); got != Rejecting {
					t.Fatalf("it is %v, want rejecting", got)
				}
				if _, took := ask(t, g); took != rtt {
					t.Errorf("another query took %v", took)
				}
				time.Sleep(5 * time.Second)
				if got := state(p, servers[0].server); got != Rejecting {
					t.Errorf("its probes are rejected, and it is %v", got)
				}
				servers[0].set(after(rtt), nil)
				time.Sleep(maxBackoff)
				if got := state(p, servers[0].server); got != Good {
					t.Errorf("after it changed its mind it is %v", got)
				}
			})
		})
	}
}

func TestTheMostTellingErrorIsRelayed(t *testing.T) {
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
				asked := 0
				for _, s := range servers {
					asked += len(s.take())
				}
				if asked > maxAttempts || asked < min(n, 5) {
					t.Errorf("%d queries were sent", asked)
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

func TestBounds(t *testing.T) {
	t.Run("in total", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, _, g := imagine(Config{InFlight: 3}, after(time.Second))
			results := make(chan error, 5)
			for range cap(results) {
				go func() {
					_, err := g.Exchange(t.Context(), query("www.example."))
					results <- err
				}()
			}
			busy := 0
			for range cap(results) {
				if errors.Is(<-results, ErrBusy) {
					busy++
				}
			}
			if busy != 2 {
				t.Errorf("%d queries were rejected", busy)
			}
		})
	})
	t.Run("per server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, servers, g := imagine(Config{PerServer: 3}, after(10*time.Millisecond))
			results := make(chan error, 5)
			for range cap(results) {
				go func() {
					_, err := g.Exchange(t.Context(), query("www.example."))
					results <- err
				}()
			}
			busy := 0
			for range cap(results) {
				if errors.Is(<-results, ErrBusy) {
					busy++
				}
			}
			if servers[0].most != 3 || busy != 2 || p.Status()[0].Counts.Overloads != 2 {
				t.Errorf("%d at once, %d rejected, %+v", servers[0].most, busy, p.Status()[0].Counts)
			}
		})
	})
}
