package fastpath

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

const (
	headerLen = 12
	maxName   = 255
	maxLabel  = 63

	// Bits of the header's third and fourth octets.
	flagResponse, flagAA, flagRD = 0x80, 0x04, 0x01
	flagRA, flagAD, flagCD       = 0x80, 0x20, 0x10
)

// Query is a query as far as a reply depends on it. It is allocated once and
// reused for one message after the other. It refers to the message, and to
// itself: it must not be copied.
type Query struct {
	decision.Question

	// EDNS is set if there is an OPT record; UDPSize and Cookie are from it.
	EDNS    bool
	UDPSize uint16
	// Cookie is the COOKIE option, of a length that one may have; nil without.
	Cookie []byte

	head []byte            // the message's header and question
	name [maxName + 1]byte // in lower case, if it is not so in the message
}

// Parse reads a message and reports whether it is one for this package. If not,
// the Query is invalid. The message must stay as it is while the Query is
// used.
func (q *Query) Parse(message []byte) bool {
	if len(message) < headerLen || message[2]&^flagRD != 0 || message[3]&^(flagAD|flagCD) != 0 {
		return false
	}
	// The counts of questions, answers, authority and additional records.
	const counts, additional = 1 << 48, 1
	sections := binary.BigEndian.Uint64(message[4:])
	if sections&^additional != counts {
		return false
	}
	end, ok := nameEnd(message)
	if !ok || end+4 > len(message) {
		return false
	}
	q.Type = binary.BigEndian.Uint16(message[end:])
	if class := binary.BigEndian.Uint16(message[end+2:]); class != dns.ClassINET || !ordinary(q.Type) {
		return false
	}
	q.Name = message[headerLen:end]
	if mayHaveCapitals(message[:end]) {
		lower(&q.name, copy(q.name[:], q.Name))
		q.Name = q.name[:len(q.Name)]
	}
	q.head = message[:end+4]
	q.CD = message[3]&flagCD != 0
	q.EDNS, q.DO, q.UDPSize, q.Cookie = sections&additional != 0, false, 0, nil
	if !q.EDNS {
		return end+4 == len(message)
	}
	return q.parseOPT(message[end+4:])
}

// nameEnd is where the name of the question ends, if it is spelled out.
func nameEnd(message []byte) (end int, ok bool) {
	at := headerLen
	for at < len(message) {
		n := int(message[at])
		at += 1 + n
		switch {
		case n == 0:
			return at, at-headerLen <= maxName
		case n > maxLabel: // a compression pointer, or an invalid label
			return 0, false
		}
	}
	return 0, false
}

// ordinary reports whether a type is a record type. Those from 128 to 255 are
// questions for something else (RFC 6895, section 3.1), such as ANY and AXFR.
func ordinary(qtype uint16) bool {
	return qtype != dns.TypeNone && qtype != dns.TypeOPT && (qtype < 128 || qtype > 255)
}
