package fastpath

import (
	"encoding/binary"
)

// foldStep is how many octets lower takes at once.
const foldStep = 16

// lower folds the ASCII letters of a name of some length (RFC 4343), and maybe
// what is behind it. The octets that hold a label's length are below 'A', so
// they need no care.
func lower(name *[maxName + 1]byte, length int) {
	for at := 0; at < length; at += foldStep {
		// The mask changes nothing, and tells the compiler that it is inside.
		octets := (*[foldStep]byte)(name[at&^(foldStep-1)&maxName:])
		a, b := binary.LittleEndian.Uint64(octets[:8]), binary.LittleEndian.Uint64(octets[8:])
		// Nearly all names are in lower case, and no octet of them has the bit
		// of the letters without the one that makes them small.
		const letter = 0x4040404040404040
		if (a&^(a<<1)|b&^(b<<1))&letter != 0 {
			binary.LittleEndian.PutUint64(octets[:8], a|capitalsIn(a)>>2)
			binary.LittleEndian.PutUint64(octets[8:], b|capitalsIn(b)>>2)
		}
	}
}

// capitalsIn has the upper bit of each of eight octets that is a capital; two
// places below it is what makes it a small letter. To each octet without its
// upper bit is added what makes this bit 1 from 'A' on, and what makes it 1 after
// 'Z': it differs for capitals.
func capitalsIn(word uint64) uint64 {
	const (
		each     = 0x0101010101010101
		upperBit = 0x80 * each
	)
	sevenBits := word &^ upperBit
	fromA := sevenBits + (0x80-'A')*each
	afterZ := sevenBits + (0x80-'Z'-1)*each
	return (fromA ^ afterZ) &^ word & upperBit
}
