package saved

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"time"

	"github.com/nodedns/nodedns/zone"
)

const (
	magic   = "nodedns\n"
	version = 4
	// oldest is the earliest version that is read: an upgrade while the cluster is
	// out of reach must not cost its names.
	oldest = 2

	// maxNodes bounds the work that a file can cause: what a zone holds, and this
	// machine.
	maxNodes = zone.DefaultMaxNodes + 1
	// maxString is what one byte of length allows.
	maxString = 1<<8 - 1

	nodeSize = 16 + 1 + 1 + 1 + 2 + 4 // at least
	sumSize  = 4

	bufferSize = 1 << 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what the file has before its nodes.
type header struct {
	cluster string
	prefix  string
	at      time.Time // second resolution
	nodes   int
}

// node is one node as the file has it. Being comparable, it also defines which
// changes are worth saving.
type node struct {
	key     [16]byte
	parts   parts
	roles   zone.Roles
	state   zone.State
	port    uint16
	v4      [4]byte
	v6      [16]byte
	since   uint32 // Unix seconds
	counted uint32 // seconds
	names   readable
}

// parts of a node that follow its fixed fields.
type parts uint8

const (
	has4 parts = 1 << iota
	has6
	departed
	owned4 // the reverse record of the address is the node's, of several that have it
	owned6
	named    // it has readable names
	fromFile // its addresses come from a file
	free     // its ID is the first of its names; the key is zero

	allParts = has4 | has6 | departed | owned4 | owned6 | named | fromFile | free
)

// partsOf are those that a node of a version may have.
func partsOf(version uint16) parts {
	switch version {
	case 2:
		return has4 | has6 | departed
	case 3:
		return has4 | has6 | departed | owned4 | owned6
	}
	return allParts
}

// append appends the encoding of n.
func (n *node) append(b []byte) []byte {
	b = append(b, n.key[:]...)
	b = append(b, byte(n.parts), byte(n.roles), byte(n.state))
	b = binary.BigEndian.AppendUint16(b, n.port)
	b = binary.BigEndian.AppendUint32(b, n.since)
	if n.parts&has4 != 0 {
		b = append(b, n.v4[:]...)
	}
	if n.parts&has6 != 0 {
		b = append(b, n.v6[:]...)
	}
	if n.parts&departed != 0 {
		b = binary.BigEndian.AppendUint32(b, n.counted)
	}
	return append(b, n.names...)
}

// append appends the encoding of h.
func (h *header) append(b []byte) ([]byte, error) {
	if len(h.cluster) > maxString || len(h.prefix) > maxString || h.nodes > maxNodes {
		return nil, fmt.Errorf("a cluster ID of %d bytes, a prefix of %d and %d nodes do not fit: want at most %d, %d and %d",
			len(h.cluster), len(h.prefix), h.nodes, maxString, maxString, maxNodes)
	}
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, version)
	b = append(b, byte(len(h.cluster)))
	b = append(b, h.cluster...)
	b = append(b, byte(len(h.prefix)))
	b = append(b, h.prefix...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.at.Unix()))
	return binary.BigEndian.AppendUint32(b, uint32(h.nodes)), nil
}

// encoder writes a file's bytes. Errors stay in its buffer until close.
type encoder struct {
	out     *bufio.Writer
	sum     hash.Hash32
	scratch []byte
}

func newEncoder(w io.Writer, h header) (*encoder, error) {
	e := &encoder{sum: crc32.New(castagnoli)}
	e.out = bufio.NewWriterSize(io.MultiWriter(w, e.sum), bufferSize)
	head, err := h.append(nil)
	if err != nil {
		return nil, err
	}
	_, err = e.out.Write(head)
	return e, err
}

func (e *encoder) node(n *node) error {
	e.scratch = n.append(e.scratch[:0])
	_, err := e.out.Write(e.scratch)
	return err
}

// close writes the checksum.
func (e *encoder) close() error {
	if err := e.out.Flush(); err != nil {
		return err
	}
	e.scratch = e.sum.Sum(e.scratch[:0])
	if _, err := e.out.Write(e.scratch); err != nil {
		return err
	}
	return e.out.Flush()
}
