// Package message finds its way in DNS messages as octets, and reads the replies of
// other servers as they are.
package message

import (
	"encoding/binary"
	"iter"
)

const (
	headerLen = 12
	// questionLen is the length of a question beside its name: type and class.
	questionLen = 4
)

// Record is where a resource record is in a message: offsets of its parts.
type Record struct {
	Section int // 0: answer, 1: authority, 2: additional
	Owner   int
	Fixed   int // type, class, TTL and the data's length, behind the owner
	Data    int
	End     int
}

// Type of the record.
func (r Record) Type(m []byte) uint16 { return binary.BigEndian.Uint16(m[r.Fixed:]) }

// TTL is where the record's TTL is: an offset, of four octets.
func (r Record) TTL() int { return r.Fixed + 4 }

// Counted is how many records there are in a message, which has a header,
// according to that.
func Counted(m []byte) (records int) {
	for section := range 3 {
		records += count(m, 6+2*section)
	}
	return records
}

// Records are those of a message that are there whole, in their order. They are
// as many as [Counted] unless the message is cut.
func Records(m []byte) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		if len(m) < headerLen {
			return
		}
		at := questionEnd(m)
		for section := range 3 {
			for range count(m, 6+2*section) {
				const fixed = 10
				r := Record{Section: section, Owner: at, Fixed: SkipName(m, at)}
				r.Data = r.Fixed + fixed
				if r.Data > len(m) {
					return
				}
				r.End = r.Data + count(m, r.Data-2)
				if r.End > len(m) || !yield(r) {
					return
				}
				at = r.End
			}
		}
	}
}

// questionEnd is where the records of a message begin.
func questionEnd(m []byte) int {
	at := headerLen
	for range count(m, 4) {
		at = SkipName(m, at) + questionLen
	}
	return at
}

func count(m []byte, at int) int { return int(binary.BigEndian.Uint16(m[at:])) }

// SkipName returns where the name that begins at an offset ends. Beyond the
// message's end it is no name.
func SkipName(m []byte, at int) int {
	for at < len(m) {
		switch n := int(m[at]); {
		case n == 0:
			return at + 1
		case n >= 0xc0: // a compression pointer ends a name
			return at + 2
		default:
			at += 1 + n
		}
	}
	return len(m) + 1
}
