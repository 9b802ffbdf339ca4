package cache

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/miekg/dns"
)

// Key is what makes two queries the same. Their class is IN.
type Key struct {
	// Name is in wire form, in lower case and not compressed. Its bytes must
	// not change while they are in use.
	Name []byte
	Type uint16
	// DO and CD are the query's bits: with them, a reply may have signatures
	// or may not have been validated (RFC 4035, section 3.2).
	DO, CD bool
	// Options of EDNS that the upstreams get with the query, in wire form. An
	// answer to them is for that query alone, and only failures are kept.
	Options []byte
}

// maxName is the length of the longest name (RFC 1035, section 2.3.4).
const maxName = 255

// questionLen is the length of a question beside its name: type and class.
const questionLen = 4

// multiplier spreads the type over all bits of the hash: the golden ratio's
// fraction, times 2^64.
const multiplier = 0x9e3779b97f4a7c15

// hash depends on a random seed: an attacker who does not know it cannot choose
// names that collide in one chain of the table.
//
// Options are in the hash only: all 64 bits of it are compared.
func (k *Key) hash(seed maphash.Seed) uint64 {
	h := maphash.Bytes(seed, k.Name)
	if len(k.Options) > 0 {
		h = maphash.Bytes(seed, slices.Concat(k.Name, k.Options))
	}
	h ^= (uint64(k.Type)<<3 | uint64(k.bits())) * multiplier
	return h ^ h>>32
}

// bits are DO and CD as a number, and whether there are options.
func (k *Key) bits() (b uint8) {
	if k.DO {
		b |= bitDO
	}
	if k.CD {
		b |= bitCD
	}
	if len(k.Options) > 0 {
		b |= bitOptions
	}
	return b
}

const (
	bitDO uint8 = 1 << iota
	bitCD
	bitOptions
)

// appendQuestion appends the question in wire form.
func (k *Key) appendQuestion(b []byte) []byte {
	b = append(b, k.Name...)
	b = binary.BigEndian.AppendUint16(b, k.Type)
	return binary.BigEndian.AppendUint16(b, dns.ClassINET)
}

// answeredBy reports whether a reply is one to this question.
func (k *Key) answeredBy(reply *dns.Msg) bool {
	if len(reply.Question) != 1 {
		return false
	}
	asked := reply.Question[0]
	if asked.Qtype != k.Type || asked.Qclass != dns.ClassINET {
		return false
	}
	// The same name can be written in several ways, with escapes.
	var wire [maxName]byte
	n, err := dns.PackDomainName(dns.CanonicalName(asked.Name), wire[:], 0, nil, false)
	return err == nil && string(wire[:n]) == string(k.Name)
}

// text is the name in presentation form, as dns.Msg has it.
func (k *Key) text() string {
	text, _, err := dns.UnpackDomainName(k.Name, 0)
	if err != nil {
		return "" // not a valid name
	}
	return text
}
