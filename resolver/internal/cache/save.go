package cache

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/miekg/dns"
)

// Save writes the answers that may still be served, for Load of another process
// before the next boot of the machine, and returns how many there are. Failures
// are left out, since their causes are this process's, and what is Provisional.
func (c *Cache) Save(w io.Writer, origin Origin, now time.Duration) (entries int, err error) {
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	b := append([]byte(savedMagic), origin.All[:]...)
	b = append(b, origin.Foreign[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(now))
	_, _ = out.Write(b) // Flush returns its error
	answers := c.answers(now)
	for _, a := range answers {
		b = a.append(b[:0])
		_, _ = out.Write(b)
	}
	_, _ = out.Write([]byte{0, 0})
	if err := out.Flush(); err != nil {
		return 0, fmt.Errorf("save the cache: %w", err)
	}
	if _, err := w.Write(sum.Sum(nil)); err != nil {
		return 0, fmt.Errorf("save the cache: %w", err)
	}
	return len(answers), nil
}

// answer is an entry that is saved, and in which queue it is.
type answer struct {
	*entry
	inMain bool
}

// answers are those to save, those first that are to be kept where not all can be.
func (c *Cache) answers(now time.Duration) (all []answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range [...]*queue{&c.main, &c.small} {
		for e := q.newest; e != nil; e = e.older {
			if !e.traits.has(failure|Provisional) && e.servable(now, c.staleFor()) {
				all = append(all, answer{e, e.inMain})
			}
		}
	}
	return all
}

// append appends the entry as it is saved.
func (a answer) append(b []byte) []byte {
	qualities := a.keyBits | uint8(min(a.hits.Load(), fullHits))<<savedHits
	if a.traits.has(Open) {
		qualities |= savedOpen
	}
	if a.inMain {
		qualities |= savedMain
	}
	start := len(b)
	b = append(b, 0, 0, qualities)
	b = binary.BigEndian.AppendUint64(b, uint64(a.expires))
	reply := len(b)
	b = append(b, a.message()...)
	if options := a.options(); len(options) > 0 {
		b = appendOPT(b, options)
		additional := b[reply+10:]
		binary.BigEndian.PutUint16(additional, binary.BigEndian.Uint16(additional)+1)
	}
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-reply)) // entryLimit is far below that
	return b
}

// appendOPT appends an OPT record with these options (RFC 6891, section 6.1.2).
func appendOPT(b, options []byte) []byte {
	b = append(b, 0) // the root
	b = binary.BigEndian.AppendUint16(b, dns.TypeOPT)
	b = append(b, 0, 0, 0, 0, 0, 0) // payload size, code and flags
	b = binary.BigEndian.AppendUint16(b, uint16(len(options)))
	return append(b, options...)
}
