package fastpath

import (
	"encoding/binary"
)

// lower folds the ASCII letters among the first octets of a name, and may fold
// a few after them (RFC 4343). The octets that hold a label's length are below
// 'A', so they need no care.
func lower(name *[maxName + 1]byte, length int) {
	for at := 0; at < length; at += 8 {
		word := name[at&^7 : at&^7+8]
		binary.LittleEndian.PutUint64(word, lowerWord(binary.LittleEndian.Uint64(word)))
	}
}

// lowerWord folds the capitals in eight octets at once. To each octet without
// its upper bit is added what makes this bit 1 from 'A' on, and what makes it 1
// after 'Z': it differs for capitals. Moved by two it is what tells them from
// small letters.
func lowerWord(word uint64) uint64 {
	const (
		each     = 0x0101010101010101
		upperBit = 0x80 * each
	)
	sevenBits := word &^ upperBit
	fromA := sevenBits + (0x80-'A')*each
	afterZ := sevenBits + (0x80-'Z'-1)*each
	capital := (fromA ^ afterZ) &^ word & upperBit
	return word | capital>>2
}
