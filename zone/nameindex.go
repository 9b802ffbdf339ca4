package zone

// nameIndex has the readable names of all nodes, contested ones included. Each name
// of each node is a slot, by the name's hash and the node's mark. The zero index is empty; like the tries in it, it is a value.
//
// One slot is all that a name costs beside its text: from the node to its names
// leads the hint in its record.
type nameIndex struct {
	hasher *hasher
	slots  trie[naming]
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
func (x *nameIndex) of(k key, hinted uint16) (n naming) {
	if hinted == 0 {
		return ""
	}
	mark := x.hasher.mark(k)
	for at := (key{hi: uint64(hinted) << hintShift}); ; {
		near := 0
		next, more := at, false
		for s := range x.slots.from(at) {
			if hint(s.key.hi) != hinted {
				return ""
			}
			if s.key.lo == mark && x.hasher.node(s.key, s.value) == k {
				return s.value
			}
			if near++; near < maxNear {
				continue
			}
			// Of one name the slots are in the order of the marks.
			if next, more = (key{s.key.hi, mark}), true; s.key.lo >= mark {
				next = key{hi: s.key.hi + 1}
			}
			break
		}
		if !more {
			return ""
		}
		at = next
	}
}

// claimant is the node whose name has a hash, where only one claims it.
func (x *nameIndex) claimant(name []byte, sum uint64) (k key, origin Origin, found bool) {
	for s := range x.slots.from(key{hi: sum}) {
		if s.key.hi != sum {
			return key{}, 0, false
		}
		if origin, found = s.value.names().origin(name); found {
			return x.hasher.node(s.key, s.value), origin, true
		}
	}
	return key{}, 0, false
}

// owner is the node that has a name with a hash, if one does.
func (x *nameIndex) owner(sum uint64) (k key, has bool) {
	if c := x.contested.find(key{hi: sum}); c != nil {
		return c.value.owner, c.value.owned
	}
	for s := range x.slots.from(key{hi: sum}) {
		return x.hasher.node(s.key, s.value), s.key.hi == sum
	}
	return key{}, false
}
