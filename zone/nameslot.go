package zone

import "encoding/binary"

// nameSlot is what the index of names has of one name of one node: the lower half
// of the node's key, and all of its names. The upper half is in the slot's own key,
// beside the hash of the name, as it is: a lookup can go for the node while this
// text is on its way. Where another node's slot is there, since both IDs begin
// alike, the upper half is mixed, and the text begins with that mark.
type nameSlot string

const (
	slotPlain = "\x00"
	slotMixed = "\x01"

	slotHeader = 1 + 8
)

// makeNameSlot is the plain slot of each of the names of a node.
func makeNameSlot(k key, n names) nameSlot {
	var half [8]byte
	binary.BigEndian.PutUint64(half[:], k.lo)
	return nameSlot(slotPlain + string(half[:]) + string(n))
}

func (n nameSlot) mixed() nameSlot { return slotMixed + n[len(slotPlain):] }

func (n nameSlot) names() names {
	if n == "" {
		return ""
	}
	return names(n[slotHeader:])
}

// node is the key of the node whose slot this is, at its key in the index.
func (n nameSlot) node(at key, h *hasher) key {
	var half [8]byte
	copy(half[:], n[1:])
	k := key{at.lo, binary.BigEndian.Uint64(half[:])}
	if n[0] != slotPlain[0] {
		k.hi ^= h.mix(k.lo)
	}
	return k
}

// nameKeys are where a slot of a node can be, for a name with a hash: plain, or else
// mixed.
func (h *hasher) nameKeys(sum uint64, k key) (plain, mixed key) {
	return key{sum, k.hi}, key{sum, k.hi ^ h.mix(k.lo)}
}
