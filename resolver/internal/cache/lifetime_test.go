package cache

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// What is kept, and with which TTLs it is served at first.
// Shows RFC 1035 3.2.1.
// Shows RFC 1123 6.1.3.3d.
// Shows RFC 2181 5.2, 8a.
// Shows RFC 2308 2.1, 2.2a, 2.2b, 5a, 5b, 5c, 6.
// Shows RFC 4035 4.5.
func TestPutKeeps(t *testing.T) {
	const alias = "www.example.org. 60 CNAME host.example.net."
	rrsig := "www.example.org. 300 RRSIG A 8 3 300 20300101000000 20200101000000 1 example.org. AAAA"
	for name, tt := range map[string]struct {
		question string
		rcode    int
		records  []string
		want     []uint32 // nil: not kept
	}{
		"RFC 1035: an answer": {
			records: []string{address}, want: []uint32{300},
		},
		"RFC 1035: TTL 0 is for once": {
			records: []string{"www.example.org. 0 A 192.0.2.1"},
		},
		"RFC 1035: one TTL of 0 is enough": {
			records: []string{address, "authority", "example.org. 0 NS ns.example.org."},
		},
		"RFC 2181 section 8: the top bit means 0": {
			records: []string{"www.example.org. 2147483648 A 192.0.2.1"},
		},
		"RFC 2181 section 8: the longest TTL is capped": {
			records: []string{"www.example.org. 2147483647 A 192.0.2.1"}, want: []uint32{24 * 60 * 60},
		},
		"RFC 2181 section 5.2: TTLs that differ within a set": {
			records: []string{address, "www.example.org. 200 A 192.0.2.2"}, want: []uint32{300, 200},
		},
		"all sections": {
			records: []string{address, "authority", "example.org. 400 NS ns.example.org.", "additional", "ns.example.org. 500 A 192.0.2.3"},
			want:    []uint32{300, 400, 500},
		},
		"a chain of aliases": {
			records: []string{alias, "host.example.net. 30 A 192.0.2.1"}, want: []uint32{60, 30},
		},
		"signatures": {records: []string{address, rrsig}, want: []uint32{300, 300}},
		"a type of its own": {
			question: "www.example.org TXT", records: []string{`www.example.org. 9 TXT "x"`}, want: []uint32{9},
		},
		"ANY": {question: "www.example.org ANY", records: []string{address}, want: []uint32{300}},
		"the alias itself": {
			question: "www.example.org CNAME", records: []string{alias}, want: []uint32{60},
		},

		"RFC 2308 section 5: NXDOMAIN, by the SOA's minimum": {
			rcode: dns.RcodeNameError, records: []string{"authority", soa}, want: []uint32{120},
		},
		"RFC 2308 section 5: NXDOMAIN, by the SOA's TTL": {
			rcode:   dns.RcodeNameError,
			records: []string{"authority", "example.org. 50 SOA a. b. 1 2 3 4 120"}, want: []uint32{50},
		},
		"RFC 2308 section 5: NODATA": {
			records: []string{"authority", soa}, want: []uint32{120},
		},
		"RFC 2308 section 5: three hours at most": {
			rcode:   dns.RcodeNameError,
			records: []string{"authority", "example.org. 86400 SOA a. b. 1 2 3 4 86400"}, want: []uint32{3 * 60 * 60},
		},
		"RFC 2308 section 5: a minimum with the top bit": {
			rcode:   dns.RcodeNameError,
			records: []string{"authority", "example.org. 300 SOA a. b. 1 2 3 4 4294967295"},
		},
		"RFC 2308 section 5: NXDOMAIN without SOA": {rcode: dns.RcodeNameError},
		"RFC 2308 section 5: NODATA without SOA":   {},
		"RFC 2308 section 2.2: a referral is not NODATA": {
			records: []string{"authority", "example.org. 400 NS ns.example.org."},
		},
		"RFC 2308 section 2.1: NXDOMAIN at the end of a chain": {
			rcode: dns.RcodeNameError, records: []string{alias, "authority", soa}, want: []uint32{60, 120},
		},
		"RFC 2308 section 2.2: NODATA at the end of a chain": {
			records: []string{alias, "authority", soa}, want: []uint32{60, 120},
		},
		"a chain that leads nowhere": {records: []string{alias}},
		"the SOA of an answer counts by its TTL": {
			records: []string{address, "authority", soa}, want: []uint32{300, 600},
		},
		"RFC 6672 section 2.2: a DNAME that makes too long a name": {
			rcode: dns.RcodeYXDomain, records: []string{"example.org. 300 DNAME example.net."}, want: []uint32{300},
		},
		"an SOA that was asked for": {
			question: "example.org SOA", records: []string{soa}, want: []uint32{600},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.question == "" {
				tt.question = question
			}
			c, k := newCache(0), key(t, tt.question)
			m := reply(t, tt.question, tt.rcode, tt.records...)
			before := m.String()
			kept := c.Put(k, m, 0, c.Epoch(), start)
			if kept != (tt.want != nil) {
				t.Fatalf("kept: %t", kept)
			}
			if m.String() != before {
				t.Errorf("the reply was changed to %v", m)
			}
			h, ok := c.Get(k, start)
			if ok != kept {
				t.Fatalf("found: %t", ok)
			}
			if !kept {
				return
			}
			got := served(t, h, query(k))
			if got.Rcode != tt.rcode || !slices.Equal(ttls(got), tt.want) {
				t.Errorf("TTLs %v, want %v, in %v", ttls(got), tt.want, got)
			}
			// The smallest TTL is the life of the whole.
			life := time.Duration(slices.Min(tt.want)) * time.Second
			if last := ttls(served(t, get(t, c, k, start+life-1), query(k))); slices.Min(last) != 1 {
				t.Errorf("just before expiry the TTLs are %v", last)
			}
			if _, ok := c.Get(k, start+life); ok {
				t.Error("served after its expiry")
			}
		})
	}
}

func TestTTLsAreCountedDownOneByOne(t *testing.T) {
	c, k := newCache(0), key(t, question)
	put(t, c, k, reply(t, question, 0, address, "authority", "example.org. 400 NS ns.example.org."), start)
	for after, want := range map[time.Duration][]uint32{
		0:                      {300, 400},
		999 * time.Millisecond: {300, 400},
		time.Second:            {299, 399},
		299 * time.Second:      {1, 101},
		-time.Second:           {300, 400}, // the clock was read before the reply came
	} {
		if got := ttls(served(t, get(t, c, k, start+after), query(k))); !slices.Equal(got, want) {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
}

// Shows RFC 1035 7.4a.
func TestTruncatedIsNotKept(t *testing.T) {
	c, k := newCache(0), key(t, question)
	m := reply(t, question, 0, address)
	m.Truncated = true
	if c.Put(k, m, 0, c.Epoch(), start) {
		t.Error("kept")
	}
}

// Shows RFC 1035 7.4b.
// Shows RFC 4343 3.1.
func TestAnotherQuestionIsRefused(t *testing.T) {
	for name, change := range map[string]func(*dns.Msg){
		"name":          func(m *dns.Msg) { m.Question[0].Name = "www.example.com." },
		"type":          func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		"class":         func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
		"none":          func(m *dns.Msg) { m.Question = nil },
		"two":           func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) },
		"not a name":    func(m *dns.Msg) { m.Question[0].Name = "a..b." },
		"a Kelvin sign": func(m *dns.Msg) { m.Question[0].Name = "www.example.or\u212a." },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(0)
			m := reply(t, question, 0, address)
			change(m)
			if c.Put(key(t, question), m, 0, c.Epoch(), start) {
				t.Error("kept")
			}
		})
	}
}

// What was kept before is out of date once there is an answer, even one that
// must not be cached.
func TestWhatEndsAnEntry(t *testing.T) {
	for name, tt := range map[string]struct {
		reply *dns.Msg
		want  bool
	}{
		"TTL 0":            {reply(t, question, 0, "www.example.org. 0 A 192.0.2.9"), false},
		"NODATA, no SOA":   {reply(t, question, 0), false},
		"too large":        {sizedFor(t, question), false},
		"another question": {reply(t, "example.org A", 0), true},
	} {
		t.Run(name, func(t *testing.T) {
			c, k := newCache(time.Hour), key(t, question)
			put(t, c, k, reply(t, question, 0, address), start)
			c.Put(k, tt.reply, 0, c.Epoch(), start+time.Minute)
			if _, ok := c.Get(k, start+time.Minute); ok != tt.want {
				t.Errorf("still there: %t", ok)
			}
			check(t, c)
		})
	}
}

// sizedFor is an answer that is larger than what one entry may be.
func sizedFor(t *testing.T, question string) *dns.Msg {
	m := reply(t, question, 0)
	for i := range 4000 {
		rr, err := dns.NewRR("www.example.org. 60 A 10.0." + strconv.Itoa(i/256) + "." + strconv.Itoa(i%256))
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return m
}
