package upstream

import (
	"errors"
	"math/rand"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/transport"
)

// A name that nobody answers costs each server three datagrams and one query
// over TCP.
// Shows RFC 1034 5.3.3a.
// Shows RFC 1123 6.1.3.3a.
// Shows RFC 6891 6.2.5b.
// Shows RFC 9520 3.1.
func TestPacketsForOneQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(rtt), after(rtt))
		defer run(t, p)()
		ask(t, g)
		before := make([]uint64, len(servers))
		for i, s := range servers {
			s.set(after(rtt), silentFor("dead.example."))
			s.take()
			before[i] = g.peers[i].status().Queries
		}
		began := time.Now()
		_, err := g.Exchange(t.Context(), query("dead.example."))
		if took := time.Since(began); !errors.As(err, new(*Failure)) || took > Total {
			t.Errorf("%v after %v", err, took)
		}
		for i, s := range servers {
			asked := s.take()
			if n := queries(asked); n != 3+1 {
				t.Errorf("server %d got %d queries", i, n)
			}
			if counted := g.peers[i].status().Queries - before[i]; counted != uint64(len(asked)) {
				t.Errorf("server %d: %d of %d queries are counted", i, counted, len(asked))
			}
		}
	})
}

// With 5 % of the packets lost in each direction the 99th percentile stays
// within the deadline and one repetition, whatever the answer is.
// Shows RFC 1035 4.2.1.
func TestLoss(t *testing.T) {
	answers := map[string]func(*dns.Msg) *dns.Msg{
		"answers": nil, "NXDOMAIN": withRcode(dns.RcodeNameError), "NODATA": func(q *dns.Msg) *dns.Msg {
			m := new(dns.Msg).SetReply(q)
			m.RecursionAvailable = true
			return m
		},
	}
	for name, servers := range map[string]int{"one server": 1, "two": 2, "three": 3} {
		for kind, respond := range answers {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var mu sync.Mutex
					source := rand.New(rand.NewSource(1))
					delay := func() time.Duration {
						mu.Lock()
						defer mu.Unlock()
						if there, back := source.Intn(100), source.Intn(100); there < 5 || back < 5 {
							return lost
						}
						return rtt + time.Duration(source.Intn(5))*time.Millisecond
					}
					p, lossy, g := imagine(Config{}, slices.Repeat([]func() time.Duration{delay}, servers)...)
					datagrams := p.newTransport
					p.newTransport = func(server Server, scope *transport.Scope) roundTripper {
						if server.Transport == TCP { // repeats by itself
							return &imagined{server: server, delay: after(time.Second), respond: respond}
						}
						return datagrams(server, scope)
					}
					defer run(t, p)()
					for _, s := range lossy {
						s.set(delay, respond)
					}
					took := make([]time.Duration, 5000)
					for i := range took {
						_, took[i] = ask(t, g)
					}
					slices.Sort(took)
					// At this speed the deadline is the least there is.
					if p99 := took[len(took)*99/100]; p99 > minDeadline+minDeadline/2 {
						t.Errorf("99th percentile: %v", p99)
					}
				})
			})
		}
	}
}

// A steady server gets each query once, however slow it is.
// Shows RFC 1035 7.2.
func TestSteadyServerIsAskedOnce(t *testing.T) {
	for _, delay := range []time.Duration{time.Millisecond, 49 * time.Millisecond, 60 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(delay))
				defer run(t, p)()
				for range 20 {
					ask(t, g)
				}
				servers[0].take()
				for range 100 {
					ask(t, g)
				}
				if n := queries(servers[0].take()); n != 100 {
					t.Errorf("%d queries for 100", n)
				}
			})
		})
	}
}

// 400 names a second that nobody answers fail no other name, and take none
// longer; they cost few packets.
func TestFloodOfSilentNames(t *testing.T) {
	for name, n := range map[string]int{"one server": 1, "two": 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const seconds, dead, good = 5, 400, 40
				p, servers, g := imagine(Config{}, slices.Repeat([]func() time.Duration{after(rtt)}, n)...)
				defer run(t, p)()
				for _, s := range servers {
					s.set(after(rtt), silentFor("dead.example."))
				}
				ask(t, g)
				var asking sync.WaitGroup
				var mu sync.Mutex
				most := 0
				for i := range seconds * dead {
					asking.Go(func() { _, _ = g.Exchange(t.Context(), query("dead.example.")) })
					if i%(dead/good) == 0 {
						asking.Go(func() {
							if _, took := ask(t, g); took != rtt {
								t.Errorf("a good name took %v", took)
							}
						})
					}
					mu.Lock()
					most = max(most, p.places.count())
					mu.Unlock()
					time.Sleep(time.Second / dead)
				}
				asking.Wait()
				packets := 0
				for _, s := range servers {
					packets += len(s.take())
				}
				if limit := seconds * (dead*n*(maxDatagrams+1) + good + 2*n*int(time.Second/minDeadline)); packets > limit {
					t.Errorf("%d packets, want %d at most", packets, limit)
				}
				if most > defaultInFlight {
					t.Errorf("%d places of %d", most, defaultInFlight)
				}
			})
		})
	}
}

func TestHedgesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 2000
		p, servers, g := imagine(Config{}, after(60*time.Millisecond), after(rtt))
		defer run(t, p)()
		// Beyond the first repetition, and before the deadline.
		servers[0].set(after(60*time.Millisecond), nil)
		for range n {
			ask(t, g)
		}
		if extra := queries(servers[1].take()); extra > n*hedgeShare+hedgeBurst {
			t.Errorf("%d extra queries for %d", extra, n)
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

// A new query takes the place of the one that has been late for the longest,
// and that one ends.
func TestPlacesAreTakenOver(t *testing.T) {
	for name, config := range map[string]Config{"in total": {InFlight: 3}, "per server": {PerServer: 3}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(config, after(rtt))
				defer run(t, p)()
				ask(t, g)
				servers[0].set(after(rtt), silentFor("dead.example."))
				ended := make(chan int, 3)
				for i := range 3 {
					go func() {
						_, err := g.Exchange(t.Context(), query("dead.example."))
						if failure := (*Failure)(nil); !errors.As(err, &failure) || failure.Overloaded() {
							t.Errorf("error %v", err)
						}
						ended <- i
					}()
					time.Sleep(time.Millisecond)
				}
				time.Sleep(minDeadline)
				for i := range 2 {
					if _, took := ask(t, g); took != rtt {
						t.Errorf("a good name took %v", took)
					}
					if i == 0 {
						if got := <-ended; got != 0 {
							t.Errorf("query %d gave way", got)
						}
					}
				}
				<-ended
				<-ended
			})
		})
	}
}
