package cache

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// The reply lives for 300 s and may be stale for an hour.
// Shows RFC 8767 4b, 5d, 6b.
func TestServeStale(t *testing.T) {
	const life = 300 * time.Second
	for name, m := range map[string]*dns.Msg{
		"an answer": reply(t, question, 0, address),
		"NODATA":    reply(t, question, 0, "authority", "example.org. 300 SOA a. b. 1 2 3 4 300"),
		"NXDOMAIN":  reply(t, question, dns.RcodeNameError, "authority", "example.org. 300 SOA a. b. 1 2 3 4 300"),
	} {
		t.Run(name, func(t *testing.T) {
			c, k := newCache(time.Hour), key(t, question)
			put(t, c, k, m, start)
			if h := get(t, c, k, start+life-1); h.Stale || h.Recheck {
				t.Errorf("before expiry: %+v", h)
			}
			for _, late := range []time.Duration{0, time.Hour - 1} {
				h := get(t, c, k, start+life+late)
				if !h.Stale || !h.Recheck || h.Prefetch || h.Failure {
					t.Errorf("%v after expiry: %+v", late, h)
				}
				got := served(t, h, query(k))
				if got.Rcode != m.Rcode || ttls(got)[0] != staleTTL {
					t.Errorf("served %v", got)
				}
			}
			if _, ok := c.Get(k, start+life+time.Hour); ok {
				t.Error("served for longer than configured")
			}
			c.SetConfig(Config{Size: size, ServeStale: 2 * time.Hour})
			get(t, c, k, start+life+time.Hour)
			c.SetConfig(Config{Size: size})
			if _, ok := c.Get(k, start+life); ok {
				t.Error("served stale though that is off")
			}
		})
	}
}

// Shows RFC 8767 5c.
func TestFailureKeepsWhatMayBeStale(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	put(t, c, k, reply(t, question, 0, address), start)
	expired := start + 400*time.Second
	fail(t, c, k, expired)
	for after, recheck := range map[time.Duration]bool{0: false, 30*time.Second - 1: false, 30 * time.Second: true} {
		if h := get(t, c, k, expired+after); !h.Stale || h.Failure || h.Recheck != recheck {
			t.Errorf("%v after the failure: %+v", after, h)
		}
	}
	put(t, c, k, reply(t, question, 0, address), expired+time.Second)
	if h := get(t, c, k, expired+time.Second); h.Stale {
		t.Error("stale after an answer")
	}
	if h := get(t, c, k, expired+302*time.Second); !h.Recheck {
		t.Error("the failure is remembered after an answer")
	}
	// After that time it is not served any more.
	fail(t, c, k, expired+2*time.Hour)
	if h := get(t, c, k, expired+2*time.Hour); !h.Failure {
		t.Errorf("got %+v", h)
	}
	check(t, c)
}

func TestFailedRefreshKeepsTheFreshReply(t *testing.T) {
	c, k := newCache(0), key(t, question)
	put(t, c, k, reply(t, question, 0, address), start)
	fail(t, c, k, start+290*time.Second)
	if h := get(t, c, k, start+299*time.Second); h.Failure || h.Stale {
		t.Errorf("got %+v", h)
	}
	// Nothing may be stale here, so that there is nothing to protect.
	fail(t, c, k, start+300*time.Second)
	if h := get(t, c, k, start+300*time.Second); !h.Failure {
		t.Errorf("got %+v", h)
	}
}

func TestPrefetchOncePerLife(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	m := reply(t, question, 0, address)
	put(t, c, k, m, start)
	const late = 270 * time.Second
	if h := get(t, c, k, start+late); h.Prefetch {
		t.Error("nobody asked before: not popular")
	}
	for range fullHits {
		if h := get(t, c, k, start+late-1); h.Prefetch {
			t.Error("too early")
		}
	}
	if h := get(t, c, k, start+late); !h.Prefetch {
		t.Error("popular, late, and no prefetch")
	}
	if h := get(t, c, k, start+late); h.Prefetch {
		t.Error("twice")
	}
	put(t, c, k, m, start+late)
	for range fullHits {
		get(t, c, k, start+late)
	}
	if h := get(t, c, k, start+2*late); !h.Prefetch {
		t.Error("not in its second life")
	}
}

func TestNoPrefetchOfFailures(t *testing.T) {
	c, k := newCache(0), key(t, question)
	fail(t, c, k, start)
	for range 2 * fullHits {
		if h := get(t, c, k, start+minFailure-1); h.Prefetch {
			t.Fatal("prefetch of a failure")
		}
	}
}
