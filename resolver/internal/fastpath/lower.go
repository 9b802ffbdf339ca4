package fastpath

import (
	"encoding/binary"
)

const wordLen = 8

// mayHaveCapitals reports whether a name with a message's header before it has
// to be lowercased. Nearly all names are in lower case, and then are read where
// they are: reading in small pieces what was just written in large ones is
// slow.
//
// No small letter has the bit of the letters without the one that makes it
// small. Of other octets the underscore has, and some of the header may: for
// these it is lowercased needlessly.
func mayHaveCapitals(message []byte) bool {
	const letter = 0x4040404040404040
	odd := uint64(0)
	for at := headerLen; at+wordLen < len(message); at += wordLen {
		word := binary.LittleEndian.Uint64(message[at:])
		odd |= word &^ (word << 1)
	}
	last := binary.LittleEndian.Uint64(message[len(message)-wordLen:])
	return (odd|last&^(last<<1))&letter != 0
}

// lower folds the ASCII letters of a name of some length (RFC 4343), and maybe
// what is behind it. The octets that hold a label's length are below 'A', so
// they need no special case.
func lower(name *[maxName + 1]byte, length int) {
	for at := 0; at < length; at += wordLen {
		octets := name[at&maxName&^(wordLen-1):] // the masks change nothing, and save a bounds check
		word := binary.LittleEndian.Uint64(octets)
		binary.LittleEndian.PutUint64(octets, word|capitalsIn(word)>>2)
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
