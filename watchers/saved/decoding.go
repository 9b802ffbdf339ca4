package saved

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// Why a file is rejected.
var (
	// ErrDamaged means that a file is not as it was written.
	ErrDamaged = errors.New("damaged")
	// ErrVersion means that a file was written by a later version of nodedns.
	ErrVersion = errors.New("written by a later version")
	// ErrOld means that a file was written by an earlier version, whose format
	// is no longer supported.
	ErrOld = errors.New("written by an earlier version")
	// ErrPrefix means that the nodes in a file have another prefix than those
	// of the zone, which could not use them.
	ErrPrefix = errors.New("its node IDs have another prefix")
)

// decoder reads a file's bytes. What it allocates does not depend on them, the names
// of the node at hand excepted. An
// error of its methods is ErrDamaged, ErrVersion, ErrOld, or the reader's own.
type decoder struct {
	in     *bufio.Reader
	sum    hash.Hash32
	offset int64
	parts  parts // that a node of this version may have
	buf    [maxString]byte
	names  []byte // of one node
}

// decode reads a whole file and calls start with its header and then each with
// every node, which is valid during the call only. The checksum is known to be
// right when decode has returned nil, and not before.
func decode(r io.Reader, start func(header), each func(*node)) error {
	d := &decoder{in: bufio.NewReaderSize(r, bufferSize), sum: crc32.New(castagnoli)}
	h, err := d.header()
	if err != nil {
		return err
	}
	start(h)
	var n, before node
	for i := range h.nodes {
		if err := d.node(&n); err != nil {
			return err
		}
		if i > 0 && before.compare(&n, h.prefix) >= 0 {
			return d.damaged("node %d is out of order", i)
		}
		before.key, before.parts, before.names = n.key, n.parts, n.names
		each(&n)
	}
	return d.trailer()
}

func (d *decoder) header() (h header, err error) {
	b, err := d.next(len(magic) + 2)
	if err != nil {
		return h, err
	}
	if string(b[:len(magic)]) != magic {
		return h, d.damaged("it does not begin as a file of nodedns does")
	}
	switch v := binary.BigEndian.Uint16(b[len(magic):]); {
	case v > version:
		return h, fmt.Errorf("%w: version %d, %d is known", ErrVersion, v, version)
	case v == 0:
		return h, d.damaged("there is no version %d", v)
	case v < oldest:
		return h, fmt.Errorf("%w: version %d, from %d on they are read", ErrOld, v, oldest)
	default:
		d.parts = partsOf(v)
	}
	if h.cluster, err = d.string(); err != nil {
		return h, err
	}
	if h.prefix, err = d.string(); err != nil {
		return h, err
	}
	if b, err = d.next(8 + 4); err != nil {
		return h, err
	}
	h.at = time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC()
	count := binary.BigEndian.Uint32(b[8:])
	if count > maxNodes {
		return h, d.damaged("%d nodes are more than the %d possible", count, maxNodes)
	}
	h.nodes = int(count)
	return h, nil
}

func (d *decoder) node(n *node) error {
	b, err := d.next(nodeSize)
	if err != nil {
		return err
	}
	*n = node{
		key:   [16]byte(b),
		parts: parts(b[16]),
		roles: zone.Roles(b[17]),
		state: zone.State(b[18]),
		port:  binary.BigEndian.Uint16(b[19:]),
		since: binary.BigEndian.Uint32(b[21:]),
	}
	if n.parts&^d.parts != 0 {
		return d.damaged("a node has unknown parts %#x", byte(n.parts))
	}
	if n.parts&owned4 != 0 && n.parts&has4 == 0 || n.parts&owned6 != 0 && n.parts&has6 == 0 {
		return d.damaged("a node has parts %#x: the reverse record of an address that it has not", byte(n.parts))
	}
	if n.parts&has4 != 0 {
		if b, err = d.next(4); err != nil {
			return err
		}
		n.v4 = [4]byte(b)
	}
	if n.parts&has6 != 0 {
		if b, err = d.next(16); err != nil {
			return err
		}
		n.v6 = [16]byte(b)
	}
	if n.parts&departed != 0 {
		if b, err = d.next(4); err != nil {
			return err
		}
		n.counted = binary.BigEndian.Uint32(b)
	}
	if n.parts&named != 0 {
		if n.names, err = d.readable(); err != nil {
			return err
		}
	}
	if n.parts&free != 0 && (n.key != [16]byte{} || n.names.first() == "") {
		return d.damaged("a node without a key has one, or no name from a file first")
	}
	return nil
}

func (d *decoder) trailer() error {
	want := d.sum.Sum32()
	b, err := d.next(sumSize)
	if err != nil {
		return err
	}
	if got := binary.BigEndian.Uint32(b); got != want {
		return d.damaged("its checksum is %08x, where %08x is written", want, got)
	}
	if _, err := d.in.ReadByte(); err == nil {
		return d.damaged("there is more after its end")
	} else if err != io.EOF {
		return err
	}
	return nil
}

func (d *decoder) string() (string, error) {
	b, err := d.next(1)
	if err != nil {
		return "", err
	}
	b, err = d.next(int(b[0]))
	return string(b), err
}

// next returns the next size bytes, at most maxString. They are valid until it
// is called again.
func (d *decoder) next(size int) ([]byte, error) {
	b := d.buf[:size]
	n, err := io.ReadFull(d.in, b)
	d.offset += int64(n)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, d.damaged("it ends too early")
	case err != nil:
		return nil, err
	}
	d.sum.Write(b)
	return b, nil
}

func (d *decoder) damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s (at byte %d)", ErrDamaged, fmt.Sprintf(format, args...), d.offset)
}
