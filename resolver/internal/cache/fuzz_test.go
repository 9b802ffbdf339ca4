package cache

import (
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
		}
	})
}

func compare(t *testing.T, h Hit, m *dns.Msg, k Key) {
	got := served(t, h, query(k))
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
