package zone

import (
	"cmp"
	"encoding/binary"
	"net/netip"
)

// key is what tries are ordered by: the 16 bytes of a node ID as two big-endian
// words, or what reverseKey makes of an address.
type key struct{ hi, lo uint64 }

func compareKeys(a, b key) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// beyond is what the key has beyond its first bits, zeros filling the end.
func (k key) beyond(bits int) key {
	if bits >= 64 {
		return key{k.lo << (bits - 64), 0}
	}
	return key{k.hi<<bits | k.lo>>(64-bits), k.lo << bits}
}

// id is the node ID of a key.
func (k key) id(p Prefix) ID {
	return ID(k.appendID(make([]byte, 0, maxLabel), p))
}

func (k key) appendID(dst []byte, p Prefix) []byte {
	var digits [hexLen]byte
	putHexWord(digits[:16], k.hi)
	putHexWord(digits[16:], k.lo)
	return append(append(dst, p...), digits[:]...)
}

// shapedKey returns the key of a name of node-ID shape. It allocates nothing,
// and is not generic over strings, because the compiler then takes the name to
// escape, and with it the caller's buffer.
func shapedKey(p Prefix, name []byte) (key, bool) {
	if len(name) != len(p)+hexLen || !equalFold(string(p), name[:len(p)]) {
		return key{}, false
	}
	return hexKey((*[hexLen]byte)(name[len(p):]))
}

// shapedKeyOf is shapedKey for a string.
func shapedKeyOf(p Prefix, name string) (key, bool) {
	var buffer [maxLabel]byte
	if len(name) != len(p)+hexLen {
		return key{}, false
	}
	return shapedKey(p, buffer[:copy(buffer[:], name)])
}

// reverseKey is the key of an address, different for different ones. Addresses
// of one network differ in a few bits, so these are spread over the whole word
// that a trie goes by, to make it as even as one of node IDs.
func reverseKey(addr netip.Addr) key {
	b := addr.As16()
	network, host := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	return key{spread(host ^ spread(network)), network}
}

// spread maps words one to one, such that each bit of x affects the upper bits
// of the result.
func spread(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	return (x ^ x>>32) * 0x9e3779b97f4a7c15
}
