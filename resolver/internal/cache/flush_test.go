package cache

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestFlush(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	put(t, c, k, reply(t, question, 0, address), start)
	fail(t, c, key(t, "example.org A"), start)
	if n := c.Flush(); n != 2 {
		t.Errorf("%d dropped", n)
	}
	for _, q := range []string{question, "example.org A"} {
		if _, ok := c.Get(key(t, q), start); ok {
			t.Errorf("%s is still there", q)
		}
	}
	if s := c.Stats(); s.Entries != 0 || s.Bytes != 0 {
		t.Errorf("%+v", s)
	}
	put(t, c, k, reply(t, question, 0, address), start)
	get(t, c, k, start)
	check(t, c)
}

func TestFlushName(t *testing.T) {
	c := newCache(0)
	gone := []string{"example.org A", "example.org NS"}
	stay := []string{"www.example.org A", "org NS", "example.com A"}
	for _, q := range append(gone, stay...) {
		fail(t, c, key(t, q), start)
	}
	signed := key(t, "example.org A")
	signed.DO = true
	fail(t, c, signed, start)
	if n := c.FlushName(signed.Name); n != 3 {
		t.Errorf("%d dropped", n)
	}
	for _, q := range gone {
		if _, ok := c.Get(key(t, q), start); ok {
			t.Errorf("%s is still there", q)
		}
	}
	for _, q := range stay {
		get(t, c, key(t, q), start)
	}
	check(t, c)
}

// Replies that have other names may be another's from now on, and so may those
// that are still to come.
func TestFlushForeign(t *testing.T) {
	c := newCache(0)
	gone := map[string]*dns.Msg{
		"alias.example.org A": reply(t, "alias.example.org A", 0, "alias.example.org. 60 CNAME www.example.org.", address),
		"mail.example.org MX": reply(t, "mail.example.org MX", 0, "mail.example.org. 60 MX 1 www.example.org.", "additional", address),
	}
	stay := map[string]*dns.Msg{
		question:             reply(t, question, 0, address),
		"none.example.org A": reply(t, "none.example.org A", dns.RcodeNameError, "authority", soa),
	}
	for _, kept := range []map[string]*dns.Msg{gone, stay} {
		for q, m := range kept {
			put(t, c, key(t, q), m, start)
		}
	}
	asked := c.Epoch()
	if n := c.FlushForeign(); n != len(gone) {
		t.Errorf("%d dropped", n)
	}
	for q, m := range gone {
		if _, ok := c.Get(key(t, q), start); ok || c.Put(key(t, q), m, 0, asked, start) {
			t.Errorf("%s is still there", q)
		}
	}
	for q := range stay {
		get(t, c, key(t, q), start)
	}
	check(t, c)
}

// What ends with an alias is kept by the TTLs of the aliases.
func TestPutOpen(t *testing.T) {
	c, k := newCache(0), key(t, "alias.example.org A")
	m := reply(t, "alias.example.org A", 0, "alias.example.org. 60 CNAME other.example.org.", "other.example.org. 30 CNAME far.example.net.")
	if c.Put(k, m, 0, c.Epoch(), start) {
		t.Error("it is kept as a denial without an SOA")
	}
	if !c.Put(k, m, Open, c.Epoch(), start) {
		t.Fatal("it is not kept")
	}
	if h := get(t, c, k, start+29*time.Second); !h.Open || h.Left() != time.Second {
		t.Errorf("open: %t, left: %v", h.Open, h.Left())
	}
	put(t, c, k, reply(t, "alias.example.org A", 0, "alias.example.org. 60 A 192.0.2.1"), start)
	if h := get(t, c, k, start); h.Open {
		t.Error("it is open still")
	}
}

// After a change of the upstreams, what the old ones still answer is not for
// the new ones' clients.
func TestFlushRefusesWhatWasAskedBefore(t *testing.T) {
	for name, flush := range map[string]func(*Cache){
		"all":  func(c *Cache) { c.Flush() },
		"name": func(c *Cache) { c.FlushName(key(t, "example.org A").Name) },
	} {
		t.Run(name, func(t *testing.T) {
			c, k := newCache(0), key(t, question)
			before := c.Epoch()
			flush(c)
			if c.Put(k, reply(t, question, 0, address), 0, before, start) || c.Fail(k, Failure{}, before, start) {
				t.Error("kept")
			}
			if !c.Put(k, reply(t, question, 0, address), 0, c.Epoch(), start) {
				t.Error("not kept, though asked for after it")
			}
		})
	}
}

func TestSetConfigKeepsWhatFits(t *testing.T) {
	const n = 5000
	c := newCache(0)
	for i := range n {
		put(t, c, numbered(i), sized(numbered(i), 100), start)
	}
	for _, tt := range []struct {
		size        int64
		least, most int
	}{
		{size * 4, n, n},
		{size, n, n},
		{size / 8, n / 10, n / 2},
		{size, n / 10, n / 2},
		{0, 0, 0},
	} {
		c.SetConfig(Config{Size: tt.size})
		check(t, c)
		found := 0
		for i := range n {
			if _, ok := c.Get(numbered(i), start); ok {
				found++
			}
		}
		if s := c.Stats(); found != s.Entries || found < tt.least || found > tt.most {
			t.Errorf("size %d: %d found, want %d to %d; %+v", tt.size, found, tt.least, tt.most, s)
		}
	}
}

func TestSizesThatKeepNothing(t *testing.T) {
	for _, size := range []int64{-1, 0, 1, 1000} {
		c, k := New(Config{Size: size}), key(t, question)
		if c.Put(k, reply(t, question, 0, address), 0, c.Epoch(), start) || c.Fail(k, Failure{}, c.Epoch(), start) {
			t.Errorf("size %d: kept", size)
		}
		if _, ok := c.Get(k, start); ok {
			t.Errorf("size %d: found", size)
		}
		c.Flush()
		check(t, c)
	}
}

func TestStats(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	put(t, c, k, reply(t, question, 0, address), start)
	put(t, c, k, reply(t, question, 0, address), start)
	get(t, c, k, start)
	get(t, c, k, start)
	get(t, c, k, start+time.Hour)
	c.Get(Key{Name: k.Name, Type: dns.TypeMX}, start)
	s := c.Stats()
	want := Stats{Entries: 1, Bytes: s.Bytes, Limit: c.limit, Hits: 2, StaleHits: 1, Misses: 1, Insertions: 2}
	if s != want || s.Bytes <= entryBytes {
		t.Errorf("got %+v, want %+v", s, want)
	}
}
