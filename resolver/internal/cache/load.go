package cache

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

// Load takes what Save wrote, and returns how many answers that were. The newest
// and most popular are taken where there is no room for all, and none in place of
// one that came since. Each is read and kept by the same rules as one that comes
// from an upstream, and none before all were read, so that r may be anything.
// Nothing is taken if there was a flush since the epoch.
//
// The error is ErrVersion, ErrOrigin or ErrAge, ErrDamaged or that of r; nothing is
// taken then.
func (c *Cache) Load(r io.Reader, origin Origin, asked Epoch, now time.Duration) (entries int, err error) {
	in := reader{from: bufio.NewReaderSize(r, 1<<16)}
	saved, foreign, err := in.head(origin, now)
	if err != nil {
		return 0, err
	}
	l := loading{
		now: now, stale: c.staleFor(), saved: saved, foreign: foreign,
	}
	c.mu.Lock()
	l.room, l.most = c.limit-c.bytes(), c.entryLimit()
	c.mu.Unlock()
	for in.err == nil {
		qualities, expires, octets, more := in.entry()
		if !more {
			break
		}
		if err := l.take(qualities, expires, octets); err != nil {
			return 0, err
		}
	}
	if err := in.end(); err != nil {
		return 0, err
	}
	return c.restore(l.entries, asked), nil
}

// restore puts in saved entries, the newest first. Each is older than what is there.
func (c *Cache) restore(all []*entry, asked Epoch) (restored int) {
	const batch = 128 // for some 50 µs the lock is held
	for some := range slices.Chunk(all, batch) {
		n, more := c.restoreSome(some, asked)
		restored += n
		if !more {
			break
		}
	}
	return restored
}

func (c *Cache) restoreSome(some []*entry, asked Epoch) (restored int, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if asked != c.epoch {
		return 0, false
	}
	for _, e := range some {
		k := e.key()
		e.hash = k.hash(c.seed)
		if old := c.table.Load().find(&k, e.hash); old != nil {
			if !old.traits.has(failure) {
				continue
			}
			c.drop(old) // the answer would have kept it out
		}
		if c.bytes()+e.cost() > c.limit {
			return restored, false
		}
		c.table.Load().link(e)
		c.queueOf(e).pushOldest(e)
		c.entries++
		restored++
	}
	return restored, true
}

// key is what an entry without options is found by.
func (e *entry) key() Key {
	return Key{Name: e.name(), Type: e.qtype, DO: e.keyBits&bitDO != 0, CD: e.keyBits&bitCD != 0}
}

// loading is what has been read of a saved cache.
type loading struct {
	now, stale time.Duration
	saved      time.Duration
	foreign    bool  // answers with records of other names count
	room       int64 // that is left
	most       int64 // that an entry may cost
	full       bool  // there was no room for one
	entries    []*entry
}

// take makes an entry of a saved one.
func (l *loading) take(qualities uint8, expires uint64, octets []byte) error {
	if l.full {
		return nil
	}
	e, err := decode(qualities, octets)
	if err != nil {
		return err
	}
	// However it was saved, it lives no longer than if it had come then.
	e.expires = time.Duration(min(expires, uint64(l.saved+e.lifetime())))
	if !e.servable(l.now, l.stale) || e.cost() > l.most || e.traits.has(foreign) && !l.foreign {
		return nil
	}
	if l.full = e.cost() > l.room; !l.full {
		l.room -= e.cost()
		l.entries = append(l.entries, e)
	}
	return nil
}

// decode makes an entry of a saved message, as if that had come from an upstream.
func decode(qualities uint8, octets []byte) (*entry, error) {
	reply, err := message.Read(octets)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	name := octets[headerLen:]
	k := Key{Name: name[:min(len(name), message.SkipName(name, 0))], DO: qualities&bitDO != 0, CD: qualities&bitCD != 0}
	if len(reply.Question) == 1 {
		k.Type = reply.Question[0].Qtype
	}
	var traits Traits
	if qualities&savedOpen != 0 {
		traits |= Open
	}
	if qualities&^savedAll != 0 || !k.answeredBy(reply) || reply.Truncated {
		return nil, ErrDamaged
	}
	e := encode(&k, reply, traits)
	if e == nil {
		return nil, ErrDamaged
	}
	e.inMain = qualities&savedMain != 0
	e.hits.Store(int32(qualities >> savedHits))
	return e, nil
}

// reader reads the parts of a saved cache. After an error they are empty.
type reader struct {
	from   *bufio.Reader
	sum    uint32
	err    error
	buffer [1 << 16]byte
}

// octets are the next n, until the next call.
func (r *reader) octets(n int) []byte {
	b := r.buffer[:n]
	if r.err == nil {
		_, r.err = io.ReadFull(r.from, b)
	}
	if r.err != nil {
		clear(b)
	}
	r.sum = crc32.Update(r.sum, castagnoli, b)
	return b
}

// head reads what is in front of the entries, and reports when they were saved and
// whether those with records of other names count.
func (r *reader) head(origin Origin, now time.Duration) (saved time.Duration, foreign bool, err error) {
	magic := string(r.octets(len(savedMagic)))
	var was Origin
	copy(was.All[:], r.octets(len(was.All)))
	copy(was.Foreign[:], r.octets(len(was.Foreign)))
	saved = time.Duration(binary.BigEndian.Uint64(r.octets(8)))
	switch {
	case r.err != nil:
		return 0, false, r.failure()
	case magic != savedMagic:
		return 0, false, ErrVersion
	case was.All != origin.All:
		return 0, false, ErrOrigin
	case saved < 0 || saved > now || now-saved > maxGap:
		return 0, false, ErrAge
	}
	return saved, was.Foreign == origin.Foreign, nil
}

// entry reads the next one; there are no more behind the last.
func (r *reader) entry() (qualities uint8, expires uint64, octets []byte, more bool) {
	n := int(binary.BigEndian.Uint16(r.octets(2)))
	if n == 0 {
		return 0, 0, nil, false
	}
	fixed := r.octets(9)
	qualities, expires = fixed[0], binary.BigEndian.Uint64(fixed[1:])
	octets = r.octets(n)
	return qualities, expires, octets, r.err == nil
}

// end reads what is behind the entries.
func (r *reader) end() error {
	want := r.sum
	got := binary.BigEndian.Uint32(r.octets(4))
	if r.err != nil {
		return r.failure()
	}
	if _, err := r.from.ReadByte(); got != want || !errors.Is(err, io.EOF) {
		return ErrDamaged
	}
	return nil
}

// failure is why not all could be read.
func (r *reader) failure() error {
	if errors.Is(r.err, io.EOF) || errors.Is(r.err, io.ErrUnexpectedEOF) {
		return ErrDamaged
	}
	return fmt.Errorf("read a saved cache: %w", r.err)
}
