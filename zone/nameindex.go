package zone

import "math"

// nameIndex has the readable names of all nodes, contested ones included. Each name
// of each node is a slot, by the name's hash and the node. Like the tries in it, an
// index is a value.
//
// One slot is all that a name costs beside its text: from the node to its names
// leads the hint in its record.
type nameIndex struct {
	hasher *hasher
	slots  trie[nameSlot]
	// contested are the names that several nodes claim, by their hash.
	contested trie[nameConflict]
	// above are the names that others of several labels end in, by their hash, with
	// the number of those.
	above trie[uint32]
	// fromFiles is the number of slots whose name comes from a file.
	fromFiles int
}

// maxNear is how many slots of one hint are looked at one by one: more are there in a
// zone of many millions, or where many nodes claim one name.
const maxNear = 32

// of are the names of a node whose record has a hint. It allocates nothing.
func (x *nameIndex) of(k key, hinted uint16) names {
	if hinted == 0 {
		return ""
	}
	near, mixed := 0, k.hi^x.hasher.mix(k.lo)
	for s := range x.slots.from(key{hi: uint64(hinted) << hintShift}) {
		switch near++; {
		case hint(s.key.hi) != hinted:
			return ""
		case (s.key.lo == k.hi || s.key.lo == mixed) && s.value.node(s.key, x.hasher) == k:
			return s.value.names() // most of other nodes' are far, and not looked at
		case near == maxNear:
			return x.ofFar(k, s.key.hi)
		}
	}
	return ""
}

// ofFar is of from the hash of a name on, one hash at a time.
func (x *nameIndex) ofFar(k key, sum uint64) names {
	for hinted := hint(sum); hint(sum) == hinted; {
		if s := x.find(sum, k); s != nil {
			return s.value.names()
		}
		next := uint64(math.MaxUint64)
		for s := range x.slots.from(key{hi: sum + 1}) {
			next = s.key.hi
			break
		}
		if next <= sum {
			break
		}
		sum = next
	}
	return ""
}

// find returns the slot of a node for a name with a hash, or nil.
func (x *nameIndex) find(sum uint64, k key) *slot[nameSlot] {
	plain, mixed := x.hasher.nameKeys(sum, k)
	for _, at := range [...]key{plain, mixed} {
		if s := x.slots.find(at); s != nil && s.value.node(at, x.hasher) == k {
			return s
		}
	}
	return nil
}

// set makes the slot of a node for a name with a hash, and reports whether there is
// no other slot with it.
func (x *nameIndex) set(e *edit, sum uint64, k key, value nameSlot) (alone bool) {
	plain, mixed := x.hasher.nameKeys(sum, k)
	if x.slots.beginning(sum) == nil && x.contested.find(key{hi: sum}) == nil {
		x.slots = x.slots.set(e, plain, value)
		return true
	}
	there := x.slots.find(plain)
	if there != nil && there.value.node(plain, x.hasher) != k || there == nil && x.slots.find(mixed) != nil {
		x.slots = x.slots.set(e, mixed, value.mixed())
	} else {
		x.slots = x.slots.set(e, plain, value)
	}
	return false
}

// owner is the node that has a name with a hash, if one does.
func (x *nameIndex) owner(sum uint64) (k key, has bool) {
	if c := x.contested.find(key{hi: sum}); c != nil {
		return c.value.first, c.value.owned
	}
	if s := x.slots.beginning(sum); s != nil {
		return s.value.node(s.key, x.hasher), true
	}
	return key{}, false
}
