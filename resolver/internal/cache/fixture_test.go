package cache

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const (
	size = 4 << 20
	// start is when tests begin. A machine has been up for a while.
	start = 1000 * time.Hour
)

func newCache(serveStale time.Duration) *Cache {
	return New(Config{Size: size, ServeStale: serveStale})
}

// key is the key of a question in text form: "www.example.org A".
func key(tb testing.TB, question string) Key {
	tb.Helper()
	name, qtype, _ := strings.Cut(question, " ")
	return Key{Name: wireName(tb, name), Type: dns.StringToType[qtype]}
}

// wireName is a name in the form of Key.Name.
func wireName(tb testing.TB, text string) []byte {
	tb.Helper()
	wire := make([]byte, maxName)
	n, err := dns.PackDomainName(dns.CanonicalName(text), wire, 0, nil, false)
	if err != nil {
		tb.Fatal(err)
	}
	return wire[:n]
}

// query is a client's message for a key.
func query(k Key) []byte {
	b := make([]byte, headerLen)
	b[0], b[1], b[2], b[5] = 0xab, 0xcd, flagRD, 1
	return k.appendQuestion(b)
}

// reply is an upstream's reply to a question. The records are the answer, up
// to "authority", the authority section up to "additional", and so on.
func reply(tb testing.TB, question string, rcode int, records ...string) *dns.Msg {
	tb.Helper()
	name, qtype, _ := strings.Cut(question, " ")
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[qtype])
	m.Response, m.RecursionAvailable, m.Rcode = true, true, rcode
	section := &m.Answer
	for _, text := range records {
		switch text {
		case "authority":
			section = &m.Ns
		case "additional":
			section = &m.Extra
		default:
			rr, err := dns.NewRR(text)
			if err != nil {
				tb.Fatal(err)
			}
			*section = append(*section, rr)
		}
	}
	return m
}

const (
	question = "www.example.org A"
	address  = "www.example.org. 300 A 192.0.2.1"
	soa      = "example.org. 600 SOA ns.example.org. admin.example.org. 1 3600 600 86400 120"
)

func put(tb testing.TB, c *Cache, k Key, m *dns.Msg, now time.Duration) {
	tb.Helper()
	if !c.Put(k, m, 0, c.Epoch(), now) {
		tb.Fatalf("the reply was not kept: %v", m)
	}
}

func get(tb testing.TB, c *Cache, k Key, now time.Duration) Hit {
	tb.Helper()
	h, ok := c.Get(k, now)
	if !ok {
		tb.Fatalf("nothing is kept for %v, type %d", k.Name, k.Type)
	}
	return h
}

func fail(tb testing.TB, c *Cache, k Key, now time.Duration) {
	tb.Helper()
	ede := &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeNoReachableAuthority, ExtraText: "nobody there"}
	if !c.Fail(k, Failure{Rcode: dns.RcodeServerFailure, Extended: []*dns.EDNS0_EDE{ede}}, c.Epoch(), now) {
		tb.Fatal("the failure was not kept")
	}
}

// served is the reply that a client gets, parsed.
func served(tb testing.TB, h Hit, asked []byte) *dns.Msg {
	tb.Helper()
	m := new(dns.Msg)
	wire := h.AppendReply(nil, asked)
	if err := m.Unpack(wire); err != nil {
		tb.Fatalf("the reply %x: %v", wire, err)
	}
	if len(wire) != h.Len() {
		tb.Errorf("the reply has %d octets, Len says %d", len(wire), h.Len())
	}
	return m
}

// ttls are those of all records of a message, in order.
func ttls(m *dns.Msg) (ttls []uint32) {
	for _, records := range [...][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range records {
			ttls = append(ttls, rr.Header().Ttl)
		}
	}
	return ttls
}

// numbered is a key of its own for each number.
func numbered(n int) Key {
	return Key{Name: fmt.Appendf(nil, "\x08%08x\x07example\x03org\x00", n), Type: dns.TypeTXT}
}

// sized is a reply to a numbered key with that many octets of text.
func sized(k Key, octets int) *dns.Msg {
	m := new(dns.Msg).SetQuestion(k.text(), k.Type)
	txt := &dns.TXT{Hdr: dns.RR_Header{Name: k.text(), Rrtype: k.Type, Class: dns.ClassINET, Ttl: 3600}}
	for octets > 255 {
		txt.Txt = append(txt.Txt, strings.Repeat("x", 255))
		octets -= 255
	}
	txt.Txt = append(txt.Txt, strings.Repeat("x", octets))
	m.Answer = []dns.RR{txt}
	return m
}

// check looks at what must always be true.
func check(tb testing.TB, c *Cache) {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	inQueues := map[*entry]bool{}
	for i, q := range c.queues() {
		bytes := int64(0)
		for e := q.oldest; e != nil; e = e.newer {
			if e.newer != nil && e.newer.older != e || e.newer == nil && q.newest != e {
				tb.Errorf("queue %d is broken", i)
			}
			if e.inMain != (q == &c.main) {
				tb.Errorf("an entry of queue %d thinks to be in the other", i)
			}
			inQueues[e] = true
			bytes += e.cost()
		}
		if bytes != q.bytes {
			tb.Errorf("queue %d has %d bytes, and counted %d", i, bytes, q.bytes)
		}
	}
	inTable := 0
	for i := range *c.table.Load() {
		for e := (*c.table.Load())[i].Load(); e != nil; e = e.next.Load() {
			if inTable++; !inQueues[e] {
				tb.Errorf("%q is in the table and in no queue", e.name())
			}
		}
	}
	if inTable != len(inQueues) || inTable != c.entries {
		tb.Errorf("%d entries in the table, %d in the queues, %d counted", inTable, len(inQueues), c.entries)
	}
	if c.bytes() > c.limit {
		tb.Errorf("%d bytes, more than %d", c.bytes(), c.limit)
	}
}
