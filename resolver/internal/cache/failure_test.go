package cache

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Shows RFC 2308 7.1.
// Shows RFC 9520 3.2a, 3.2b.
func TestFailureIsKeptBriefly(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	now := start
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		want *= time.Second
		fail(t, c, k, now)
		fail(t, c, k, now+want/2) // a query that was under way
		h := get(t, c, k, now+want-1)
		if !h.Failure || h.Stale || h.Rcode() != dns.RcodeServerFailure {
			t.Errorf("failure %d: %+v", i, h)
		}
		if _, ok := c.Get(k, now+want); ok {
			t.Errorf("failure %d is served for over %v", i, want)
		}
		if want < time.Second || want > 5*time.Minute {
			t.Errorf("RFC 9520 does not allow %v", want)
		}
		now += want + time.Second
	}
	now += failureMemory
	fail(t, c, k, now)
	if _, ok := c.Get(k, now+minFailure); ok {
		t.Error("an old failure prolongs a new one")
	}
	check(t, c)
}

// Shows RFC 6891 6.1.3b.
// Shows RFC 9520 2.1, 2.2, 2.7.
func TestFailureOfAnyCode(t *testing.T) {
	for _, rcode := range []int{
		dns.RcodeServerFailure, dns.RcodeFormatError, dns.RcodeNotImplemented, dns.RcodeRefused, dns.RcodeYXDomain,
		dns.RcodeNotAuth, 12, 15, dns.RcodeBadVers, dns.RcodeBadCookie, 3841, 4095,
	} {
		c, k := newCache(0), key(t, question)
		why := &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: "bad signature"}
		if !c.Fail(k, Failure{Rcode: rcode, Extended: []*dns.EDNS0_EDE{why}}, c.Epoch(), start) {
			t.Fatalf("%d: it was not kept", rcode)
		}
		h := get(t, c, k, start)
		got, err := h.Message()
		if err != nil || !h.Failure || h.Rcode() != rcode || got.Rcode != rcode || len(got.Answer) != 0 {
			t.Fatalf("%d: got %+v, %v, %v", rcode, h, got, err)
		}
		if ede := extendedOf(got); len(ede) != 1 || ede[0].ExtraText != "bad signature" {
			t.Errorf("%d: extended errors %v", rcode, ede)
		}
	}
}

func TestBriefFailureIsNotKeptForLonger(t *testing.T) {
	c, k := newCache(0), key(t, question)
	for i := range 5 {
		now := start + time.Duration(i)*2*time.Second
		if !c.Fail(k, Failure{Rcode: dns.RcodeServerFailure, Brief: true}, c.Epoch(), now) {
			t.Fatal("the failure was not kept")
		}
		get(t, c, k, now+minFailure-1)
		if _, ok := c.Get(k, now+minFailure); ok {
			t.Errorf("failure %d is kept for longer", i)
		}
	}
}

// failUntil fails for a cause that goes when the result is called.
func failUntil(t *testing.T, c *Cache, k Key, now time.Duration) (end func()) {
	t.Helper()
	gone := false
	if !c.Fail(k, Failure{Rcode: dns.RcodeServerFailure, Over: func() bool { return gone }}, c.Epoch(), now) {
		t.Fatal("the failure was not kept")
	}
	return func() { gone = true }
}

func TestFailureEndsWithItsCause(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	now := start
	var end func()
	for range 4 {
		end = failUntil(t, c, k, now)
		now += 30 * time.Second
	}
	now += -30*time.Second + 7*time.Second
	get(t, c, k, now) // of the eight seconds of the fourth
	end()
	if h, ok := c.Get(k, now); ok {
		t.Errorf("served although the cause has gone: %+v", h)
	}
	// The next failure replaces it, and is not the fifth in a row.
	failUntil(t, c, k, now)
	get(t, c, k, now+minFailure-1)
	if _, ok := c.Get(k, now+minFailure); ok {
		t.Error("prolonged by a failure that was over")
	}
	check(t, c)
}

func TestStaleAnswerIsRecheckedWhenTheCauseHasGone(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	put(t, c, k, reply(t, question, 0, address), start)
	expired := start + 400*time.Second
	end := failUntil(t, c, k, expired)
	check(t, c)
	if h := get(t, c, k, expired+time.Second); !h.Stale || h.Recheck || h.Left() != 0 {
		t.Errorf("after the failure: %+v", h)
	}
	end()
	if h := get(t, c, k, expired+time.Second); !h.Stale || !h.Recheck {
		t.Errorf("after its end: %+v", h)
	}
	failUntil(t, c, k, expired+time.Second)
	if h := get(t, c, k, expired+time.Second); !h.Stale || h.Recheck {
		t.Errorf("after another one: %+v", h)
	}
	check(t, c)
}

// What is said of a query with options concerns no other one.
func TestFailureIsByOptions(t *testing.T) {
	c, plain := newCache(time.Hour), key(t, question)
	one, other := plain, plain
	one.Options, other.Options = []byte{0xff, 1, 0, 0}, []byte{0xff, 2, 0, 0}
	fail(t, c, one, start)
	get(t, c, one, start)
	for _, k := range []Key{plain, other} {
		if _, ok := c.Get(k, start); ok {
			t.Errorf("a failure with options is served with %x", k.Options)
		}
	}
	if c.Put(other, reply(t, question, 0, address), 0, c.Epoch(), start) {
		t.Error("an answer to a query with options was kept")
	}
	put(t, c, plain, reply(t, question, 0, address), start)
	if h := get(t, c, one, start); !h.Failure {
		t.Errorf("got %+v", h)
	}
	if _, ok := c.Get(other, start); ok {
		t.Error("an answer is served to a query with options")
	}
	if n := c.FlushName(plain.Name); n != 2 {
		t.Errorf("%d flushed", n)
	}
	check(t, c)
}

// Options that repeat the name must not cancel it in the hash, or all names
// could be led into one chain.
func TestOptionsDoNotCancelTheName(t *testing.T) {
	c := newCache(0)
	hashes := map[uint64]bool{}
	for n := range 100 {
		k := numbered(n)
		k.Options = k.Name
		hashes[k.hash(c.seed)] = true
	}
	if len(hashes) != 100 {
		t.Errorf("%d hashes of 100 keys", len(hashes))
	}
}

func TestProvisionalReply(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	denial := reply(t, question, dns.RcodeNameError, "authority", soa)
	provisional := func(now time.Duration) bool { return c.Put(k, denial, Provisional, c.Epoch(), now) }
	const life = maxProvisional * time.Second
	if !provisional(start) {
		t.Fatal("it was not kept")
	}
	if h := get(t, c, k, start+life-1); h.Rcode() != dns.RcodeNameError || ttls(served(t, h, query(k)))[0] > 1 {
		t.Errorf("before the end: %+v", h)
	}
	if _, ok := c.Get(k, start+life); ok {
		t.Error("it is served for longer, or stale")
	}
	if provisional(start + life); !provisional(start + 2*life) {
		t.Error("it was not kept again")
	}
	// The late reply comes, and stays.
	put(t, c, k, reply(t, question, 0, address), start+2*life)
	if provisional(start + 2*life) {
		t.Error("it replaced what is fresh")
	}
	if h := get(t, c, k, start+20*life); h.Rcode() != 0 || h.Stale {
		t.Errorf("got %+v", h)
	}
	// It ends a failure.
	fail(t, c, k, start+10*time.Hour)
	if !provisional(start + 10*time.Hour) {
		t.Error("it does not end a failure")
	}
	check(t, c)
}
