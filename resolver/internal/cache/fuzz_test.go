package cache

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

// Whatever an upstream sends: what is kept can be read, matches the question,
// and lives no longer than its TTLs.
func FuzzPut(f *testing.F) {
	ede := reply(f, question, 0, address)
	ede.SetEdns0(1232, true)
	ede.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 3, ExtraText: "x"}}
	for _, m := range []*dns.Msg{
		ede,
		reply(f, question, dns.RcodeNameError, "authority", soa),
		reply(f, question, 0, "www.example.org. 60 CNAME example.org.", "example.org. 50 A 192.0.2.1", "authority", soa),
		reply(f, question, dns.RcodeServerFailure),
		sized(numbered(1), 600),
	} {
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, uint32(0))
		f.Add(wire, uint32(100))
	}
	f.Fuzz(func(t *testing.T, wire []byte, seconds uint32) {
		m, err := message.Read(wire)
		if err != nil || len(m.Question) != 1 {
			return
		}
		name := wireName(t, m.Question[0].Name)
		c, k := New(Config{Size: 1 << 20, ServeStale: time.Hour}), Key{Name: name, Type: m.Question[0].Qtype}
		kept := c.Put(k, m, 0, c.Epoch(), start)
		check(t, c)
		h, ok := c.Get(k, start+time.Duration(seconds)*time.Second)
		if ok && !kept {
			t.Fatal("found what was not kept")
		}
		if ok {
			compare(t, h, m, k)
			compareRestarted(t, c, h, k)
		}
	})
}

// compareRestarted looks whether the next process has the same.
func compareRestarted(t *testing.T, c *Cache, h Hit, k Key) {
	next := restarted(t, c, Config{Size: 1 << 20, ServeStale: 100 * 24 * time.Hour}, start)
	if is := get(t, next, k, start); !bytes.Equal(is.entry.data, h.entry.data) || is.entry.expires != h.entry.expires || is.entry.traits != h.entry.traits {
		t.Errorf("%x became %x", h.entry.data, is.entry.data)
	}
}

func compare(t *testing.T, h Hit, m *dns.Msg, k Key) {
	// The library refuses some data that are carried as they are.
	got, err := message.Read(h.AppendReply(nil, query(k)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Question[0].Qtype != k.Type || !k.answeredBy(got) {
		t.Errorf("the reply is to %v", got.Question)
	}
	if _, err := h.Message(); err != nil {
		t.Error(err)
	}
	if h.Failure {
		return
	}
	withoutTransport(m)
	original := ttls(m)
	for i, ttl := range ttls(got) {
		switch {
		case h.Stale && ttl != staleTTL:
			t.Errorf("stale record %d has TTL %d", i, ttl)
		case !h.Stale && (ttl == 0 || ttl > original[i]):
			t.Errorf("record %d has TTL %d, at first %d", i, ttl, original[i])
		}
	}
}

// Whatever a file has: what is loaded answers its question and no other, and nothing
// lives longer than it may.
func FuzzLoad(f *testing.F) {
	c, _ := variety(f)
	text := saved(f, c, start)
	f.Add(text[:len(savedMagic)+2*sha256.Size+8], false)
	for _, a := range c.answers(start) {
		f.Add(a.append(nil), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, entries bool) {
		if entries {
			text = forged(text, start)
		}
		c := New(Config{Size: 1 << 20, ServeStale: serveStale})
		n, err := c.Load(bytes.NewReader(text), origin, c.Epoch(), start)
		check(t, c)
		if err != nil && n != 0 || n != c.Stats().Entries {
			t.Fatalf("%d of %d entries, %v", n, c.Stats().Entries, err)
		}
		for _, a := range c.answers(start) {
			k := a.key()
			h := get(t, c, k, start)
			if h.Left() > maxPositive*time.Second || h.Age() < 0 {
				t.Errorf("%v old, %v left", h.Age(), h.Left())
			}
			if _, err := h.Message(); err != nil {
				t.Fatal(err)
			}
			got, err := message.Read(h.AppendReply(nil, query(k)))
			if err != nil {
				t.Fatal(err)
			}
			if !k.answeredBy(got) || got.Truncated || got.Authoritative {
				t.Errorf("the reply to %s is\n%v", k.text(), got)
			}
		}
	})
}
