package zone

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
)

// Origin is where a readable name comes from.
type Origin uint8

// The origins. A name from a file is the operator's own. One from the cluster is
// what a node calls itself.
const (
	NameFromFile Origin = iota
	NameFromCluster
)

// names are the readable names of a node, in canonical form: those from files,
// divided by spaces, and the one from the cluster after a newline. The first of a
// node with a free ID is that ID.
type names string

const (
	nameBreak   = " "
	originBreak = "\n"
)

func joinNames(file, cluster string) names {
	if cluster == "" {
		return names(file)
	}
	return names(file + originBreak + cluster)
}

// of are the names of one origin, divided by spaces.
func (n names) of(origin Origin) string {
	file, cluster, _ := strings.Cut(string(n), originBreak)
	if origin == NameFromFile {
		return file
	}
	return cluster
}

// each yields the names in order, one that comes from both only as one from files.
// It allocates nothing.
func (n names) each(yield func(name string, origin Origin) bool) {
	file, cluster, _ := strings.Cut(string(n), originBreak)
	known := false
	for name, rest := cutName(file); name != ""; name, rest = cutName(rest) {
		known = known || name == cluster
		if !yield(name, NameFromFile) {
			return
		}
	}
	if cluster != "" && !known {
		yield(cluster, NameFromCluster)
	}
}

func cutName(list string) (name, rest string) {
	name, rest, _ = strings.Cut(list, nameBreak)
	return name, rest
}

// first is the first name, of whatever origin.
func (n names) first() (first string) {
	for name := range n.each {
		return name
	}
	return ""
}

// origin reports whether a name is one of them, and of which origin.
func (n names) origin(name []byte) (Origin, bool) {
	for own, origin := range n.each {
		if own == string(name) {
			return origin, true
		}
	}
	return 0, false
}

// naming is what the index of names has in each slot: the lower half of the node's
// key, and all of its names. The slots of one node share the text. The upper half is
// in the slot's own key, where it is mixed with the lower one, so that nodes whose
// IDs begin alike have slots of their own.
type naming string

const halfKey = 8

func makeNaming(k key, n names) naming {
	return naming(string(binary.BigEndian.AppendUint64(make([]byte, 0, halfKey+len(n)), k.lo)) + string(n))
}

func (n naming) names() names {
	if n == "" {
		return ""
	}
	return names(n[halfKey:])
}

// node is the key of the node that a slot of the index is of.
func (h *hasher) node(at key, n naming) key {
	var half [halfKey]byte
	copy(half[:], n)
	lower := binary.BigEndian.Uint64(half[:])
	return key{at.lo ^ spread(lower^h.salt), lower}
}

// mark is what the slots of a node have in their keys beside the hash of a name.
func (h *hasher) mark(k key) uint64 { return k.hi ^ spread(k.lo^h.salt) }

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
func (h *hasher) name(name []byte) uint64 {
	sum := maphash.Bytes(h.first, name)
	if hint(sum) == 0 {
		sum |= 1 << hintShift
	}
	return sum
}

const hintShift = 48

// hint are the bits of a name's hash that a record has room for.
func hint(sum uint64) uint16 { return uint16(sum >> hintShift) }

// free is the key of a node with a free ID. No source can choose an ID whose digits
// are this key.
func (h *hasher) free(id string) key {
	return key{h.name([]byte(id)), maphash.String(h.second, id)}
}
