package zone

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
)

// hasher maps names to numbers that other machines cannot foresee: a node chooses
// its name, and must not be able to choose the place of that in the index.
type hasher struct {
	first, second maphash.Seed
	salt          uint64
}

func newHasher() *hasher {
	h := &hasher{first: maphash.MakeSeed(), second: maphash.MakeSeed()}
	h.salt = maphash.String(h.second, "")
	return h
}

// name is the hash of a name, by which the index finds it. The hint in a record,
// its upper bits, is never zero.
func (h *hasher) name(name []byte) uint64 { return hintedSum(maphash.Bytes(h.first, name)) }

// text is name for a string, of which no copy is made.
func (h *hasher) text(name string) uint64 { return hintedSum(maphash.String(h.first, name)) }

func hintedSum(sum uint64) uint64 {
	if hint(sum) == 0 {
		sum |= 1 << hintShift
	}
	return sum
}

const hintShift = 48

// hint are the bits of a name's hash that a record has room for.
func hint(sum uint64) uint16 { return uint16(sum >> hintShift) }

// mix is by what the upper half of a node's key is mixed with the lower one. A node
// chooses its key, and cannot foresee it.
func (h *hasher) mix(lower uint64) uint64 { return spread(lower ^ h.salt) }

// free is the key of a node with a free ID. Its upper half is the same on all
// machines, so that they order nodes alike where the order decides; for the lower one
// no source can choose an ID whose digits are this key.
func (h *hasher) free(id string) key {
	sum := sha256.Sum256([]byte(id))
	return key{binary.BigEndian.Uint64(sum[:]), maphash.String(h.second, id)}
}
