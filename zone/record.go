package zone

import (
	"errors"
	"net/netip"
	"time"
)

// record is what the zone, or one source of it, holds of one node. It has no
// pointers and little padding: a million of them must be cheap.
type record struct {
	v6     [16]byte
	v4     [4]byte
	since  uint32 // Unix seconds: when the address, or the departure, was learnt
	port   uint16
	names  uint16 // the hint to its readable names: see hasher; 0: it has none
	flags  flags
	source uint8 // index of the source that reported it
	roles  Roles
	state  State
}

// flags mark which parts of a record are set.
type flags uint8

const (
	has4 flags = 1 << iota
	has6
	departed
	freeID   // the ID is a readable name
	fromFile // what the record has comes from a file

	hasAddress = has4 | has6
)

func (r *record) setAddr(a netip.Addr) {
	if a.Is4() {
		r.v4, r.flags = a.As4(), r.flags|has4
	} else {
		r.v6, r.flags = a.As16(), r.flags|has6
	}
}

// takeAddrs makes the addresses of r those of other.
func (r *record) takeAddrs(other record) {
	r.v4, r.v6 = other.v4, other.v6
	r.flags = r.flags&^hasAddress | other.flags&hasAddress
}

func (r *record) sameAddrs(other record) bool {
	return r.flags&hasAddress == other.flags&hasAddress && r.v4 == other.v4 && r.v6 == other.v6
}

// has reports whether addr is one of the addresses.
func (r record) has(addr netip.Addr) bool {
	for own := range r.addrs {
		if own == addr {
			return true
		}
	}
	return false
}

// addrs yields the addresses, IPv4 first. It allocates nothing.
func (r record) addrs(yield func(netip.Addr) bool) {
	if r.flags&has4 != 0 && !yield(netip.AddrFrom4(r.v4)) {
		return
	}
	if r.flags&has6 != 0 {
		yield(netip.AddrFrom16(r.v6))
	}
}

// asRecord checks an entry and packs it. The record's roles and state are valid
// even where the addresses are refused with an error.
func (e *Entry) asRecord() (r record, err error) {
	r = record{roles: e.Roles & allRoles, state: e.State, port: e.CuratorPort}
	if e.State > StateDecommissioned {
		r.state = StateUnknown
	}
	if !e.Since.IsZero() {
		r.since = unixSeconds(e.Since)
	}
	if e.FromFile {
		r.flags |= fromFile
	}
	if !e.Departed.IsZero() {
		r.flags |= departed
		r.since = unixSeconds(e.Departed)
	}
	if e.Malformed != "" {
		return r, malformed(e.Malformed)
	}
	with := r
	for _, addr := range e.Addresses {
		if err := CheckAddr(addr); err != nil {
			return r, err
		}
		family := has6
		if addr.Is4() {
			family = has4
		}
		if with.flags&family != 0 {
			return r, errors.New("more than one address of a family")
		}
		with.setAddr(addr)
	}
	return with, nil
}

func unixSeconds(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 0), 1<<32-1))
}
