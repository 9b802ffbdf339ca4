package cache

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/decision"
)

// Key is what makes two queries the same. Their class is IN.
type Key struct {
	Name decision.Name
	Type uint16
	// DO and CD are the query's bits: with them, a reply may have signatures
	// or may not have been validated (RFC 4035, section 3.2).
	DO, CD bool
}

// questionLen is the length of a question beside its name: type and class.
const questionLen = 4

// multiplier spreads the type over all bits of the hash: the golden ratio's
// fraction, times 2^64.
const multiplier = 0x9e3779b97f4a7c15

// hash depends on a random seed: without it nobody can choose names that meet
// in one chain of the table.
func (k *Key) hash(seed maphash.Seed) uint64 {
	h := maphash.Bytes(seed, k.Name) ^ (uint64(k.Type)<<2|uint64(k.bits()))*multiplier
	return h ^ h>>32
}

// bits are DO and CD as a number.
func (k *Key) bits() (b uint8) {
	if k.DO {
		b |= bitDO
	}
	if k.CD {
		b |= bitCD
	}
	return b
}

const (
	bitDO uint8 = 1 << iota
	bitCD
)

// appendQuestion appends the question in wire form.
func (k *Key) appendQuestion(b []byte) []byte {
	b = append(b, k.Name...)
	b = binary.BigEndian.AppendUint16(b, k.Type)
	return binary.BigEndian.AppendUint16(b, dns.ClassINET)
}

// answeredBy says whether a reply is one to this question. A server that
// failed may leave the question out.
func (k *Key) answeredBy(reply *dns.Msg) bool {
	if len(reply.Question) == 0 {
		return reply.Rcode == dns.RcodeServerFailure
	}
	asked := reply.Question[0]
	if len(reply.Question) != 1 || asked.Qtype != k.Type || asked.Qclass != dns.ClassINET {
		return false
	}
	name, err := decision.ParseName(asked.Name)
	return err == nil && string(name) == string(k.Name)
}
