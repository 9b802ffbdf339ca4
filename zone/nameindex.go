package zone

// nameIndex has the readable names of all nodes, contested ones included. Each name
// of each node is a slot, by the name's hash and the node's mark. The zero index is empty; like the tries in it, it is a value.
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

// maxNear is how many slots are looked at one by one before the index is descended
// again: more of one hint are seldom there, unless many nodes claim one name.
const maxNear = 32

// of are the names of a node whose record has a hint. It allocates nothing.
func (x *nameIndex) of(k key, hinted uint16) (n names) {
	if hinted == 0 {
		return ""
	}
	for at := (key{hi: uint64(hinted) << hintShift}); ; {
		near := 0
		next, more := at, false
		for s := range x.slots.from(at) {
			if hint(s.key.hi) != hinted {
				return ""
			}
			if s.value.node(s.key, x.hasher) == k {
				return s.value.names()
			}
			if near++; near < maxNear {
				continue
			}
			if found := x.find(s.key.hi, k); found != nil {
				return found.value.names()
			}
			next, more = key{hi: s.key.hi + 1}, true
			break
		}
		if !more {
			return ""
		}
		at = next
	}
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

// set makes the slot of a node for a name with a hash.
func (x *nameIndex) set(e *edit, sum uint64, k key, value nameSlot) {
	plain, mixed := x.hasher.nameKeys(sum, k)
	there := x.slots.find(plain)
	if there != nil && there.value.node(plain, x.hasher) != k || there == nil && x.slots.find(mixed) != nil {
		x.slots = x.slots.set(e, mixed, value.mixed())
		return
	}
	x.slots = x.slots.set(e, plain, value)
}

// owner is the node that has a name with a hash, if one does.
func (x *nameIndex) owner(sum uint64) (k key, has bool) {
	if c := x.contested.find(key{hi: sum}); c != nil {
		return c.value.owner, c.value.owned
	}
	if s := x.slots.beginning(sum); s != nil {
		return s.value.node(s.key, x.hasher), true
	}
	return key{}, false
}
