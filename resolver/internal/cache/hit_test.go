package cache

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestReplyIsToTheQuery(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	m := reply(t, "wWw.eXample.oRg A", 0, "wWw.eXample.oRg. 300 A 192.0.2.1")
	m.Authoritative, m.AuthenticatedData, m.Id, m.Zero = true, true, 7, true
	put(t, c, k, m, start)
	signed := k
	signed.DO = true
	put(t, c, signed, m, start)

	const ad, cd = flagAD, flagCD
	for name, tt := range map[string]struct {
		key           Key
		flags2, third byte // the query's
		after         time.Duration
		want2, want3  byte
	}{
		"plain":          {k, 0, 0, 0, flagResponse, flagRA},
		"RD":             {k, flagRD, 0, 0, flagResponse | flagRD, flagRA},
		"CD":             {k, 0, cd, 0, flagResponse, flagRA | cd},
		"AD asked for":   {k, 0, ad, 0, flagResponse, flagRA | ad},
		"AD through DO":  {signed, 0, 0, 0, flagResponse, flagRA | ad},
		"AD of stale":    {signed, 0, ad, time.Hour, flagResponse, flagRA},
		"TC is not kept": {k, 0x02, 0, 0, flagResponse, flagRA},
	} {
		t.Run(name, func(t *testing.T) {
			asked := bytes.Replace(query(tt.key), []byte("example"), []byte("EXamPle"), 1)
			asked[2], asked[3] = tt.flags2, tt.third
			h := get(t, c, tt.key, start+tt.after)
			wire := h.AppendReply(nil, asked)
			if wire[2] != tt.want2 || wire[3] != tt.want3 {
				t.Errorf("flags %08b %08b, want %08b %08b", wire[2], wire[3], tt.want2, tt.want3)
			}
			got := served(t, h, asked)
			const spelled = "www.EXamPle.org."
			if got.Id != 0xabcd || got.Question[0].Name != spelled || got.Answer[0].Header().Name != spelled {
				t.Errorf("got %v", got)
			}
			prefix := []byte("before")
			if appended := h.AppendReply(prefix, asked); !bytes.Equal(appended, append(prefix, wire...)) {
				t.Error("appended to something else it is another one")
			}
			// In place of the query, with its additional section behind.
			buffer := append(make([]byte, 0, 512), asked...)
			buffer = append(buffer, "an OPT, or whatever"...)
			if over := h.AppendReply(buffer[:0], buffer); !bytes.Equal(over, wire) {
				t.Errorf("over the query: %x, want %x", over, wire)
			}
		})
	}
}

// Shows RFC 1035 7.4b.
// Shows RFC 2308 5d.
func TestKeysAreApart(t *testing.T) {
	c, kept := newCache(0), key(t, question)
	put(t, c, kept, reply(t, question, 0, address), start)
	e := get(t, c, kept, start).entry
	for name, change := range map[string]func(*Key){
		"name":      func(k *Key) { k.Name = key(t, "www.example.com A").Name },
		"ancestor":  func(k *Key) { k.Name = key(t, "example.org A").Name },
		"the root":  func(k *Key) { k.Name = key(t, ". A").Name },
		"type":      func(k *Key) { k.Type = dns.TypeAAAA },
		"DO":        func(k *Key) { k.DO = true },
		"CD":        func(k *Key) { k.CD = true },
		"DO and CD": func(k *Key) { k.DO, k.CD = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			k := key(t, question)
			change(&k)
			if _, ok := c.Get(k, start); ok {
				t.Error("found")
			}
			if e.is(&k, e.hash) {
				t.Error("found if it has the same hash")
			}
		})
	}
}

// Shows RFC 1123 6.1.3.5b.
// Shows RFC 2181 11.
// Shows RFC 3597 3a.
func TestUnknownTypesAndEscapes(t *testing.T) {
	const odd = `a\.b\000\200\032c.example.org TYPE65280`
	c := newCache(0)
	k := key(t, `a\.b\000\200\032c.example.org A`)
	k.Type = 65280
	m := reply(t, odd, 0, `a\.b\000\200\032c.example.org. 300 TYPE65280 \# 3 010203`)
	m.Question[0].Qtype = 65280
	put(t, c, k, m, start)
	got := served(t, get(t, c, k, start), query(k))
	if len(got.Answer) != 1 || got.Answer[0].String() != m.Answer[0].String() {
		t.Errorf("got %v, want %v", got, m)
	}
}

// Shows RFC 6891 6.1.1c.
// Shows RFC 8914 2b, 3a.
func TestExtendedErrorsArePassedOn(t *testing.T) {
	long := string(bytes.Repeat([]byte("é"), 200))
	c, k := newCache(0), key(t, question)
	m := reply(t, question, 0, address, "additional", "host.example.net. 300 A 192.0.2.7")
	m.SetEdns0(4096, true)
	opt := m.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011223344556677"})
	for code, text := range []string{"", "filtered\xff", long, "x", "one too many"} {
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: uint16(code), ExtraText: text})
	}
	put(t, c, k, m, start)
	h := get(t, c, k, start)
	if got := served(t, h, query(k)); len(got.Extra) != 1 {
		t.Errorf("the additional section is %v", got.Extra)
	}
	got, err := h.Message()
	if err != nil || len(got.Extra) != 2 || got.IsEdns0() == nil {
		t.Fatalf("got %v, %v", got, err)
	}
	var texts []string
	for _, ede := range extendedOf(got) {
		texts = append(texts, ede.ExtraText)
	}
	if want := []string{"", "filtered", long[:maxExtendedText], "x"}; !slices.Equal(texts, want) {
		t.Errorf("texts %q, want %q", texts, want)
	}
	if parsed := parseExtended(h.Extended()); len(parsed) != maxExtended {
		t.Errorf("%d options", len(parsed))
	}
}

// Shows RFC 2308 6.
func TestMessage(t *testing.T) {
	c, k := newCache(time.Hour), key(t, question)
	m := reply(t, question, dns.RcodeNameError, "authority", soa)
	m.AuthenticatedData = true
	put(t, c, k, m, start)
	got, err := get(t, c, k, start+20*time.Second).Message()
	if err != nil {
		t.Fatal(err)
	}
	if got.Rcode != dns.RcodeNameError || !got.AuthenticatedData || ttls(got)[0] != 100 || len(got.Extra) != 0 {
		t.Errorf("got %v", got)
	}
	got, err = get(t, c, k, start+10*time.Minute).Message()
	if err != nil || got.AuthenticatedData || ttls(got)[0] != staleTTL {
		t.Errorf("stale: %v, %v", got, err)
	}
}

func TestHitAllocatesNothing(t *testing.T) {
	c, k := newCache(0), key(t, question)
	put(t, c, k, reply(t, question, 0, address), start)
	asked, buffer := query(k), make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() {
		h, _ := c.Get(k, start)
		buffer = h.AppendReply(buffer[:0], asked)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	k.DO = true
	if n := testing.AllocsPerRun(100, func() { c.Get(k, start) }); n != 0 {
		t.Errorf("%v allocations for a miss", n)
	}
}
