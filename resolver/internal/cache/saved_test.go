package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/miekg/dns"
)

var origin = Origin{All: sha256.Sum256([]byte("all")), Foreign: sha256.Sum256([]byte("foreign"))}

// saved is what Save writes of a cache.
func saved(tb testing.TB, c *Cache, now time.Duration) []byte {
	tb.Helper()
	var b bytes.Buffer
	entries, err := c.Save(&b, origin, now)
	if err != nil {
		tb.Fatal(err)
	}
	if got := len(c.answers(now)); entries != got {
		tb.Errorf("%d entries saved, want %d", entries, got)
	}
	return b.Bytes()
}

// load puts into a cache what was saved, and returns how many entries that were.
func load(tb testing.TB, c *Cache, saved []byte, now time.Duration) int {
	tb.Helper()
	entries, err := c.Load(bytes.NewReader(saved), origin, c.Epoch(), now)
	if err != nil {
		tb.Fatal(err)
	}
	check(tb, c)
	return entries
}

// restarted is the cache of the next process.
func restarted(tb testing.TB, c *Cache, config Config, now time.Duration) *Cache {
	tb.Helper()
	next := New(config)
	load(tb, next, saved(tb, c, now), now)
	return next
}

const serveStale = time.Hour

// variety is a cache with answers of all kinds, and what else there may be in one.
func variety(tb testing.TB) (c *Cache, answers []Key) {
	tb.Helper()
	c = newCache(serveStale)
	for question, m := range map[string]*dns.Msg{
		"www.example.org A":    reply(tb, question, 0, address),
		"alias.example.org A":  reply(tb, "alias.example.org A", 0, "alias.example.org. 60 CNAME www.example.org.", address),
		"brief.example.org A":  reply(tb, "brief.example.org A", 0, "brief.example.org. 5 A 192.0.2.5"),
		"odd.example.org A":    reply(tb, "odd.example.org A", 0, `odd.example.org. 60 TYPE65280 \# 3 abcdef`, "odd.example.org. 60 A 192.0.2.9"),
		"none.example.org A":   reply(tb, "none.example.org A", dns.RcodeNameError, "authority", soa),
		"nodata.example.org A": reply(tb, "nodata.example.org A", 0, "authority", soa),
		"long.example.org A":   reply(tb, "long.example.org A", dns.RcodeYXDomain, "example.org. 60 DNAME example.net."),
	} {
		k := key(tb, question)
		put(tb, c, k, m, start)
		answers = append(answers, k)
	}
	explained := reply(tb, "explained.example.org A", 0, "explained.example.org. 60 A 192.0.2.1")
	explained.AuthenticatedData = true
	explained.SetEdns0(1232, true)
	explained.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 3, ExtraText: "x"}, &dns.EDNS0_EDE{InfoCode: 19}}
	for _, bits := range []Key{{DO: true}, {CD: true}, {DO: true, CD: true}} {
		k := key(tb, "explained.example.org A")
		k.DO, k.CD = bits.DO, bits.CD
		put(tb, c, k, explained, start)
		answers = append(answers, k)
	}
	open := key(tb, "open.example.org A")
	if !c.Put(open, reply(tb, "open.example.org A", 0, "open.example.org. 60 CNAME elsewhere.example."), Open, c.Epoch(), start) {
		tb.Fatal("not kept")
	}
	return c, append(answers, open)
}

// Each answer is served as it would have been by the process that saved it, fresh and
// stale.
func TestLoadedAnswersAreTheSame(t *testing.T) {
	t.Parallel()
	c, answers := variety(t)
	get(t, c, answers[0], start)
	const later = start + 30*time.Second
	next := restarted(t, c, Config{Size: size, ServeStale: serveStale}, later)
	if got := next.Stats().Entries; got != len(answers) {
		t.Errorf("%d entries, want %d", got, len(answers))
	}
	for _, k := range answers {
		for _, now := range []time.Duration{later, later + 10*time.Second, later + 20*time.Minute} {
			was, is := get(t, c, k, now), get(t, next, k, now)
			if !bytes.Equal(was.AppendReply(nil, query(k)), is.AppendReply(nil, query(k))) || !bytes.Equal(was.Extended(), is.Extended()) ||
				was.Open != is.Open || was.Stale != is.Stale || was.Age() != is.Age() || was.Left() != is.Left() ||
				was.entry.traits != is.entry.traits || was.Recheck != is.Recheck {
				t.Errorf("%s at %v: %+v became %+v", k.text(), now, was, is)
			}
		}
		if _, ok := next.Get(k, start+100*time.Hour); ok {
			t.Errorf("%s never ends", k.text())
		}
	}
}

// A failure has its cause in the process, and what is provisional will be replaced.
func TestWhatIsNotSaved(t *testing.T) {
	t.Parallel()
	c := newCache(serveStale)
	fail(t, c, key(t, "failed.example.org A"), start)
	provisional := key(t, question)
	c.Put(provisional, reply(t, question, 0, address), Provisional, c.Epoch(), start)
	put(t, c, key(t, "gone.example.org A"), reply(t, "gone.example.org A", 0, "gone.example.org. 5 A 192.0.2.1"), start-2*serveStale)
	if n := load(t, newCache(serveStale), saved(t, c, start), start); n != 0 {
		t.Errorf("%d entries were loaded", n)
	}
}

// order are the names of a queue, the oldest first.
func order(q *queue) (names []string) {
	for e := q.oldest; e != nil; e = e.newer {
		names = append(names, fmt.Sprintf("%s %d", e.name(), e.hits.Load()))
	}
	return names
}

// popular fills a cache and asks again for some, until there are many in both queues.
func popular(tb testing.TB, size int64) *Cache {
	tb.Helper()
	c := New(Config{Size: size, ServeStale: serveStale})
	for n := 0; c.Stats().Evictions < 3000; n++ {
		put(tb, c, numbered(n), sized(numbered(n), 50), start)
		for again := n - 20; again > 0 && again%10 == 0 && again > n-30; again -= 10 {
			c.Get(numbered(again), start)
			c.Get(numbered(again), start)
		}
	}
	if c.main.oldest == nil || c.small.oldest == nil {
		tb.Fatal("a queue is empty")
	}
	return c
}

func TestLoadKeepsTheOrder(t *testing.T) {
	t.Parallel()
	c := popular(t, 1<<20)
	next := restarted(t, c, Config{Size: 1 << 20, ServeStale: serveStale}, start)
	if !slices.Equal(order(&next.main), order(&c.main)) || !slices.Equal(order(&next.small), order(&c.small)) {
		t.Error("another order")
	}
}

// Where less fits in than was saved, the most popular and the newest stay.
func TestLoadIntoASmallerCache(t *testing.T) {
	t.Parallel()
	c := popular(t, 1<<20)
	next := restarted(t, c, Config{Size: 96 << 10, ServeStale: serveStale}, start)
	main := order(&c.main)
	if got := order(&next.main); len(got) == 0 || len(got) == len(main) || !slices.Equal(got, main[len(main)-len(got):]) {
		t.Errorf("%d of %d popular names, or not the newest", len(got), len(main))
	}
	if s := next.Stats(); s.Bytes < s.Limit*9/10 {
		t.Errorf("%d bytes of %d are in use", s.Bytes, s.Limit)
	}
	if n := load(t, New(Config{}), saved(t, c, start), start); n != 0 {
		t.Errorf("%d entries in a cache without room", n)
	}
}

// A large answer may be too much for a smaller cache, or stay out of it for another
// reason, and the rest is taken.
func TestLoadSkipsWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	c := newCache(0)
	put(t, c, numbered(1), sized(numbered(1), 9000), start)
	put(t, c, numbered(2), sized(numbered(2), 50), start)
	next := restarted(t, c, Config{Size: 64 << 10}, start)
	if _, ok := next.Get(numbered(1), start); ok {
		t.Error("an answer takes a large part of a small cache")
	}
	get(t, next, numbered(2), start)
}

func TestLoadIntoACacheInUse(t *testing.T) {
	t.Parallel()
	c, answers := variety(t)
	next := newCache(serveStale)
	newer, failed, other := key(t, question), key(t, "brief.example.org A"), key(t, "other.example.org A")
	put(t, next, newer, reply(t, question, 0, "www.example.org. 300 A 192.0.2.77"), start)
	put(t, next, other, reply(t, "other.example.org A", 0, "other.example.org. 300 A 192.0.2.78"), start)
	fail(t, next, failed, start)
	if n := load(t, next, saved(t, c, start), start); n != len(answers)-1 {
		t.Errorf("%d were loaded, want %d", n, len(answers)-1)
	}
	if got := served(t, get(t, next, newer, start), query(newer)).Answer[0].(*dns.A).A.String(); got != "192.0.2.77" {
		t.Errorf("a newer answer was replaced: %s", got)
	}
	if get(t, next, failed, start).Failure {
		t.Error("a failure stands in front of an answer")
	}
	if got := string(next.small.newest.name()); got != string(other.Name) {
		t.Errorf("the newest is %q", got)
	}
}

// A flush counts for what is loaded too, if it came before.
func TestFlushEndsALoad(t *testing.T) {
	t.Parallel()
	c, _ := variety(t)
	for name, flush := range map[string]func(*Cache){
		"all":     func(c *Cache) { c.Flush() },
		"a name":  func(c *Cache) { c.FlushName([]byte("\x01x\x00")) },
		"foreign": func(c *Cache) { c.FlushForeign() },
	} {
		next := newCache(serveStale)
		asked := next.Epoch()
		flush(next)
		n, err := next.Load(bytes.NewReader(saved(t, c, start)), origin, asked, start)
		if n != 0 || err != nil || next.Stats().Entries != 0 {
			t.Errorf("%s: %d were loaded, %v", name, n, err)
		}
	}
}

func TestLoadOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	c, answers := variety(t)
	text := saved(t, c, start)
	next := newCache(serveStale)
	if n, err := next.Load(bytes.NewReader(text), Origin{Foreign: origin.Foreign}, next.Epoch(), start); n != 0 || !errors.Is(err, ErrOrigin) {
		t.Errorf("%d were loaded, %v", n, err)
	}
	n, err := next.Load(bytes.NewReader(text), Origin{All: origin.All}, next.Epoch(), start)
	if want := len(answers) - c.FlushForeign(); n != want || err != nil || want == 0 {
		t.Errorf("%d were loaded, %v; want %d", n, err, want)
	}
	if n := next.FlushForeign(); n != 0 {
		t.Errorf("%d have records of other names", n)
	}
}

func TestLoadOfAnotherTime(t *testing.T) {
	t.Parallel()
	c, _ := variety(t)
	text := saved(t, c, start)
	for name, now := range map[string]time.Duration{"too late": start + maxGap + 1, "before": start - 1} {
		next := newCache(serveStale)
		if n, err := next.Load(bytes.NewReader(text), origin, next.Epoch(), now); n != 0 || !errors.Is(err, ErrAge) {
			t.Errorf("%s: %d were loaded, %v", name, n, err)
		}
	}
	if n := load(t, newCache(serveStale), text, start+maxGap); n == 0 {
		t.Error("nothing was loaded in time")
	}
}

// Whatever octet is another one, missing or too many: nothing is loaded.
func TestLoadOfDamaged(t *testing.T) {
	t.Parallel()
	c, _ := variety(t)
	text := saved(t, c, start)
	damaged := [][]byte{append(slices.Clone(text), 0)}
	for i := range text {
		other := slices.Clone(text)
		other[i] ^= 1 << (i % 8)
		damaged = append(damaged, other, text[:i])
	}
	next := newCache(serveStale)
	for _, text := range damaged {
		if n, err := next.Load(bytes.NewReader(text), origin, next.Epoch(), start); n != 0 || err == nil || next.Stats().Entries != 0 {
			t.Fatalf("%d entries of %x were loaded, %v", n, text, err)
		}
	}
	if _, err := next.Load(bytes.NewReader([]byte("nodedns cache 2\n"+string(text[16:]))), origin, 0, start); !errors.Is(err, ErrVersion) {
		t.Errorf("of another version: %v", err)
	}
	if _, err := next.Load(iotest.ErrReader(io.ErrClosedPipe), origin, 0, start); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("of an unreadable file: %v", err)
	}
}

// forged is a saved cache with some entries, which need not be any.
func forged(entries []byte, now time.Duration) []byte {
	b := append([]byte(savedMagic), origin.All[:]...)
	b = append(b, origin.Foreign[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(now))
	b = append(b, entries...)
	b = append(b, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// savedEntry is one of them.
func savedEntry(qualities uint8, expires time.Duration, message []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(message)))
	b = append(b, qualities)
	b = binary.BigEndian.AppendUint64(b, uint64(expires))
	return append(b, message...)
}

// What no upstream could have brought into a cache is not taken from a file either.
func TestLoadOfForged(t *testing.T) {
	t.Parallel()
	octets := func(change func(*dns.Msg)) []byte {
		m := reply(t, question, 0, address)
		change(m)
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := octets(func(*dns.Msg) {})
	long := savedEntry(0, 1<<62, good)
	next := newCache(0)
	if n, err := next.Load(bytes.NewReader(forged(long, start)), origin, next.Epoch(), start); n != 1 || err != nil {
		t.Fatalf("%d were loaded, %v", n, err)
	}
	if got := get(t, next, key(t, question), start).Left(); got != 300*time.Second {
		t.Errorf("it is fresh for %v", got)
	}
	for name, entry := range map[string][]byte{
		"unknown quality":  savedEntry(0x80, start, good),
		"no message":       savedEntry(0, start, []byte{1}),
		"no question":      savedEntry(0, start, octets(func(m *dns.Msg) { m.Question = nil })),
		"two questions":    savedEntry(0, start, octets(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) })),
		"class":            savedEntry(0, start, octets(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS })),
		"capitals":         savedEntry(0, start, octets(func(m *dns.Msg) { m.Question[0].Name = "WWW.example.org." })),
		"truncated":        savedEntry(0, start, octets(func(m *dns.Msg) { m.Truncated = true })),
		"TTL 0":            savedEntry(0, start, octets(func(m *dns.Msg) { m.Answer[0].Header().Ttl = 0 })),
		"denial, no SOA":   savedEntry(0, start, octets(func(m *dns.Msg) { m.Answer = nil })),
		"records missing":  savedEntry(0, start, good[:len(good)-1]),
		"name is a loop":   savedEntry(0, start, slices.Concat(good[:12], []byte{0xc0, 12}, good[29:])),
		"longer than said": slices.Concat(savedEntry(0, start, good), []byte{0}),
	} {
		if n, err := next.Load(bytes.NewReader(forged(entry, start)), origin, next.Epoch(), start); n != 0 || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %d were loaded, %v", name, n, err)
		}
	}
}

// failing fails once it was written so much.
type failing int

func (f *failing) Write(b []byte) (int, error) {
	if *f -= failing(len(b)); *f < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

func TestSaveReportsErrors(t *testing.T) {
	t.Parallel()
	c, _ := variety(t)
	all := len(saved(t, c, start))
	for _, room := range []int{0, all - 1} {
		w := failing(room)
		if n, err := c.Save(&w, origin, start); n != 0 || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("room for %d of %d octets: %d entries, %v", room, all, n, err)
		}
	}
}
