package zone

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
)

// key is what tries are ordered by: the 16 bytes of a node ID, or of an
// address, as two big-endian words.
type key struct{ hi, lo uint64 }

func (k key) bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], k.hi)
	binary.BigEndian.PutUint64(b[8:], k.lo)
	return b
}

func compareKeys(a, b key) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// from is the 64 bits of the key that begin at a bit, the first being 0;
// beyond the end they are zero.
func (k key) from(bit int) uint64 {
	if bit >= 64 {
		return k.lo << (bit - 64)
	}
	return k.hi<<bit | k.lo>>(64-bit)
}

// id is the node ID of a key.
func (k key) id(p Prefix) ID {
	return ID(k.appendID(make([]byte, 0, maxLabel), p))
}

func (k key) appendID(dst []byte, p Prefix) []byte {
	b := k.bytes()
	return hex.AppendEncode(append(dst, p...), b[:])
}

// shapedKey returns the key of a name of node-ID shape. It allocates nothing,
// and is not generic over strings, because the compiler then takes the name to
// escape, and with it the caller's buffer.
func shapedKey(p Prefix, name []byte) (key, bool) {
	if len(name) != len(p)+hexLen || !equalFold(string(p), name[:len(p)]) {
		return key{}, false
	}
	hi, ok := hexWord(name[len(p) : len(p)+16])
	lo, okLo := hexWord(name[len(p)+16:])
	return key{hi, lo}, ok && okLo
}

// shapedKeyOf is shapedKey for a string.
func shapedKeyOf(p Prefix, name string) (key, bool) {
	var buffer [maxLabel]byte
	if len(name) > len(buffer) {
		return key{}, false
	}
	return shapedKey(p, buffer[:copy(buffer[:], name)])
}

// hexWord reads 16 hex digits of either case.
func hexWord(digits []byte) (word uint64, ok bool) {
	var seen byte
	for i := range 16 {
		v := hexValue[digits[i]]
		seen |= v
		word = word<<4 | uint64(v)
	}
	return word, seen <= 0xf
}

// hexValue maps a hex digit of either case to its value, all else to 0xff.
var hexValue = func() (table [256]byte) {
	for c := range table {
		table[c] = 0xff
	}
	for v, c := range "0123456789abcdef" {
		table[c] = byte(v)
	}
	for v, c := range "ABCDEF" {
		table[c] = byte(10 + v)
	}
	return table
}()

// reverseKey orders addresses by their last byte first: what tells neighbours
// apart then comes early, and the trie stays shallow.
func reverseKey(addr netip.Addr) key {
	b := addr.As16()
	return key{binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[:8])}
}
