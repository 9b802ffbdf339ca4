package nodefile

import "hash/maphash"

// index finds nodes by their IDs: it has their numbers, by a hash of the ID or what
// follows that. It has no pointers, so that it costs the garbage collector nothing.
type index map[uint64]uint32

// indexSeed makes the hashes of IDs such that no file can have many of one.
var indexSeed = maphash.MakeSeed()

// find returns the number of the node with an ID, or where that is to be put. idOf
// returns the ID of a node by its number.
func (x index) find(id string, idOf func(number uint32) string) (at uint64, number uint32, known bool) {
	for at = maphash.String(indexSeed, id); ; at++ {
		if number, known = x[at]; !known || idOf(number) == id {
			return at, number, known
		}
	}
}
