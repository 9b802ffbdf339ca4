package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
)

// mostNodes is what the range of IPv4 addresses has room for.
const mostNodes = 1 << 22

// prefix is that of node IDs.
const prefix = "metropolis-"

// nodeKey is what the ID of the i-th node is made of. It is the one that the
// curator of the row change makes too.
func nodeKey(i int) (key [16]byte) {
	sum := sha256.Sum256(strconv.AppendInt(nil, int64(i), 10))
	copy(key[:], sum[:])
	return key
}

// nodeName is the ID of the i-th node, which is a name too.
func nodeName(i int) string {
	key := nodeKey(i)
	return prefix + hex.EncodeToString(key[:])
}

// naming is by which names the nodes are known and queried.
type naming uint8

const (
	byID naming = iota
	// byLabel: by readable names that a curator has as labels, below a local domain.
	byLabel
	// byFile: by readable names of a file of nodes, which stand bare.
	byFile
)

// localDomain is the domain of the names byLabel.
const localDomain = "nodes.example"

// label is the readable name of the i-th node.
func label(i int) string { return "node-" + strconv.Itoa(i) }

// node is the name of the i-th node.
func (n naming) node(i int) string {
	switch n {
	case byLabel:
		return label(i) + "." + localDomain
	case byFile:
		return label(i)
	default:
		return nodeName(i)
	}
}

// stranger is a name that looks like a node's, but is none.
func (n naming) stranger(i int) string { return n.node(mostNodes + i) }

// of marks what is of a naming, in names of rows and files.
func (n naming) of(what string) string {
	return what + [...]string{byID: "", byLabel: "-label", byFile: "-file"}[n]
}

// node4 is the IPv4 address of the i-th node, from 100.64.0.1 on.
func node4(i int) netip.Addr {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 100<<24|64<<16+uint32(i)+1)))
}

// node6 is the IPv6 address of the i-th node. Most of it is random, as interface
// identifiers are, since some servers hash addresses.
func node6(i int) netip.Addr {
	addr, key := [16]byte{0: 0xfd, 1: 0x64}, nodeKey(i)
	copy(addr[2:12], key[:])
	binary.BigEndian.PutUint32(addr[12:], uint32(i)+1)
	return netip.AddrFrom16(addr)
}

// cachedNames is how many names the upstream of the row cache has.
const cachedNames = 1000

func cachedName(i int) string { return fmt.Sprintf("host-%06d.cached.example", i) }

// change is a new IPv4 address of a node; the zero one is none.
type change struct {
	node int
	addr netip.Addr
	nth  int
}

// of is the IPv4 address of the i-th node after the change.
func (c change) of(i int) netip.Addr {
	if c.nth > 0 && c.node == i {
		return c.addr
	}
	return node4(i)
}
