package saved

import (
	"encoding/hex"
	"hash"
	"hash/crc64"
	"math"
	"net/netip"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// fromZone returns what is saved of a node of the zone, but for the counted
// time. There is nothing to save of this machine while no source but the kernel has
// reported anything of it.
func fromZone(z zone.Node, prefix zone.Prefix) (n node, ok bool) {
	if !z.Exists() {
		return n, false
	}
	n.roles, n.state, n.port = z.Roles(), z.State(), z.CuratorPort()
	n.names = readableOf(z)
	if z.IsLocal() && n == (node{}) {
		return n, false
	}
	if n.names != "" {
		n.parts |= named
	}
	if z.FromFile() {
		n.parts |= fromFile
	}
	if z.HasFreeID() {
		n.parts |= free
		if n.names.first() != string(z.ID()) {
			return n, false // our own, which no file has
		}
	} else if !n.setKey(z, prefix) {
		return n, false
	}
	if z.IsLocal() {
		return n, true
	}
	for addr := range z.Addrs() {
		if addr.Is4() {
			n.v4, n.parts = addr.As4(), n.parts|has4
		} else {
			n.v6, n.parts = addr.As16(), n.parts|has6
		}
	}
	for _, addr := range z.Owned() {
		if addr.Is4() {
			n.parts |= owned4
		} else {
			n.parts |= owned6
		}
	}
	n.since = uint32(min(max(z.Since().Unix(), 0), math.MaxUint32))
	if z.Departed() {
		n.parts |= departed
	}
	return n, true
}

// setKey takes the hex digits of a node's ID, if it has the shape of one.
func (n *node) setKey(z zone.Node, prefix zone.Prefix) bool {
	var buf [64]byte
	id := z.AppendID(buf[:0])
	if len(id) != len(prefix)+hex.EncodedLen(len(n.key)) || string(id[:len(prefix)]) != string(prefix) {
		return false
	}
	_, err := hex.Decode(n.key[:], id[len(prefix):])
	return err == nil
}

// fingerprint hashes the nodes of a file or a snapshot, but for the counted
// time: equal ones have the same fingerprint.
type fingerprint struct {
	sum     hash.Hash64
	scratch []byte
}

func newFingerprint() *fingerprint {
	return &fingerprint{sum: crc64.New(crc64.MakeTable(crc64.ECMA))}
}

func (f *fingerprint) add(n node) {
	n.counted = 0
	f.scratch = n.append(f.scratch[:0])
	f.sum.Write(f.scratch)
}

func fingerprintOf(snapshot *zone.Snapshot) uint64 {
	f := newFingerprint()
	for z := range zone.Paced(snapshot.All()) {
		if n, ok := fromZone(z, snapshot.Prefix()); ok {
			f.add(n)
		}
	}
	return f.sum.Sum64()
}

// count sets how much of its retention a departed node has used.
func (n *node) count(d time.Duration) {
	n.counted = uint32(min(max(int64(d/time.Second), 0), math.MaxUint32))
}

// entry returns n as the saved layer publishes it to the zone, which checks it.
func (n *node) entry(prefix string) zone.Entry {
	e := zone.Entry{
		Roles:       n.roles,
		State:       n.state,
		CuratorPort: n.port,
		FromFile:    n.parts&fromFile != 0,
	}
	if n.parts&free == 0 {
		e.ID = prefix + hex.EncodeToString(n.key[:])
	}
	n.addNames(&e)
	add := func(addr netip.Addr, owned parts) {
		e.Addresses = append(e.Addresses, addr)
		if n.parts&owned != 0 {
			e.Owned = append(e.Owned, addr)
		}
	}
	if n.parts&has4 != 0 {
		add(netip.AddrFrom4(n.v4), owned4)
	}
	if n.parts&has6 != 0 {
		add(netip.AddrFrom16(n.v6), owned6)
	}
	if n.since != 0 {
		e.Since = time.Unix(int64(n.since), 0).UTC()
	}
	if n.parts&departed != 0 {
		e.Departed = time.Unix(int64(n.since), 0).UTC()
		e.Counted = time.Duration(n.counted) * time.Second
	}
	return e
}
