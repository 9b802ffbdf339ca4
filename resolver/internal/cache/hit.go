package cache

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

// Hit is a reply from the cache. It stays valid after the cache changes.
type Hit struct {
	// Failure: it is one of a short while ago (RFC 9520), to be served with its
	// code and extended error 13 (Cached Error). The upstreams are not to be
	// asked.
	Failure bool
	// Endless: it is a failure because the aliases lead in a circle, or through too
	// many names.
	Endless bool
	// Stale: it has expired, and is to be served if the upstreams fail, or
	// are slow, with extended error 3 or 19 (RFC 8767).
	Stale bool
	// Recheck: it is stale, and it is time to ask the upstreams. Otherwise they
	// failed a short while ago, and it must be served at once.
	Recheck bool
	// Prefetch: it is popular, and soon expires. The caller should ask the
	// upstreams in the background. It is set for one hit in an entry's life.
	Prefetch bool

	// Open: it ends with an alias, and what that leads to is to be decided anew.
	Open bool

	entry   *entry
	elapsed uint32 // seconds since it came
}

// Rcode of the reply: NOERROR, NXDOMAIN, or that of a failure. One over 15 takes
// an OPT.
func (h Hit) Rcode() int { return int(h.entry.highCode)<<4 | int(h.entry.data[3]&0xf) }

// Answered reports whether the reply has records in its answer section. Those
// of a denial are aliases.
func (h Hit) Answered() bool { return binary.BigEndian.Uint16(h.entry.data[6:]) > 0 }

// Len is the length of the reply in octets, without OPT.
func (h Hit) Len() int { return len(h.entry.message()) }

// Age is how long ago the reply came, in whole seconds.
func (h Hit) Age() time.Duration { return time.Duration(h.elapsed) * time.Second }

// Left is for how long the reply stays fresh; 0 if it is not any more.
func (h Hit) Left() time.Duration { return max(0, h.entry.lifetime()-h.Age()) }

// Decline states that the caller will not ask the upstreams although Prefetch
// is set, so that the next hit has it set for another caller.
func (h Hit) Decline() {
	if h.Prefetch {
		h.entry.prefetched.Store(false)
	}
}

// Extended are the upstream's extended errors as EDNS options in wire form, to
// be put into an OPT. They must not be changed.
func (h Hit) Extended() []byte { return h.entry.options() }

// ExtendedErrors are the upstream's extended errors, parsed.
func (h Hit) ExtendedErrors() []*dns.EDNS0_EDE { return parseExtended(h.entry.options()) }

// AppendReply appends the reply to a query, without OPT, and allocates nothing
// if there is room for it. The query is the client's message. Its question, in
// any letter case, must be the one of the Key, and spelled out right behind the
// header. With dst = query[:0] the reply overwrites the query.
//
// From the query are its ID, RD and CD bits, and the case of its question. AA
// and TC are never set, and AD only if the upstream set it, the reply is not
// stale, and the query has AD or DO (RFC 6840, section 5.8).
func (h Hit) AppendReply(dst, query []byte) []byte {
	message, start := h.entry.message(), len(dst)
	header := [headerLen]byte(message)
	header[0], header[1] = query[0], query[1]
	header[2] |= query[2] & flagRD
	header[3] |= query[3] & flagCD
	if h.Stale || h.entry.keyBits&bitDO == 0 && query[3]&flagAD == 0 {
		header[3] &^= flagAD
	}
	question := headerLen + int(h.entry.nameLen) + questionLen
	dst = append(dst, header[:]...)
	dst = append(dst, query[headerLen:question]...)
	dst = append(dst, message[question:]...)
	h.countDown(dst[start:])
	return dst
}

// countDown writes the TTLs into a reply. While an entry is fresh none reaches
// 0: its lifetime is the smallest of them.
func (h Hit) countDown(reply []byte) {
	for i := range int(h.entry.ttls) {
		field := reply[h.entry.ttlAt(i):]
		ttl := uint32(staleTTL)
		if !h.Stale {
			ttl = binary.BigEndian.Uint32(field) - h.elapsed
		}
		binary.BigEndian.PutUint32(field, ttl)
	}
}

// Message is the reply, parsed, for callers that have the time. Its ID is 0,
// its question in lower case, and its AD bit the upstream's unless it is stale.
// An OPT is there only for extended errors to be in.
func (h Hit) Message() (*dns.Msg, error) {
	m, err := message.Read(h.AppendReply(nil, h.entry.message()))
	if err != nil {
		return nil, fmt.Errorf("read the cached reply for %x: %w", h.entry.name(), err)
	}
	m.Rcode = h.Rcode()
	if extended := h.ExtendedErrors(); len(extended) > 0 {
		opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
		for _, ede := range extended {
			opt.Option = append(opt.Option, ede)
		}
		m.Extra = append(m.Extra, opt)
	}
	return m, nil
}
