package cache

import (
	"encoding/binary"
	"slices"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

const (
	headerLen  = 12
	maxMessage = 1<<16 - 1

	// Bits of the header's third and fourth octets.
	flagResponse, flagRD   = 0x80, 0x01
	flagRA, flagAD, flagCD = 0x80, 0x20, 0x10
)

// encode makes an entry of a reply, or returns nil if the reply must not be
// kept or cannot be encoded: a name may be too long without the compression
// that it came with.
func encode(k *Key, reply *dns.Msg, traits Traits) *entry {
	reply = reply.Copy()
	options := appendExtended(nil, extendedOf(reply))
	withoutTransport(reply)
	life := settle(reply, !traits.has(Open) && denies(reply, k.Type), traits.has(Provisional))
	if life == 0 {
		return nil
	}
	lowerOwners(reply, k.text())
	reply.MsgHdr = dns.MsgHdr{
		Response:           true,
		RecursionAvailable: true,
		AuthenticatedData:  reply.AuthenticatedData,
		Rcode:              reply.Rcode,
	}
	reply.Compress = true
	octets, err := reply.Pack()
	if err != nil || len(octets) > maxMessage {
		return nil
	}
	// A record without data is packed into one that cannot be read.
	if !message.IsWhole(octets) {
		return nil
	}
	e := newEntry(k, octets, ttlOffsets(octets), options)
	if hasOthers(reply, k.text()) {
		traits |= foreign
	}
	e.life, e.traits = life, traits
	return e
}

// newEntry builds an entry.
func newEntry(k *Key, message, offsets, options []byte) *entry {
	e := allocate(len(message) + len(offsets) + len(options))
	e.data = append(e.data, message...)
	e.data = append(e.data, offsets...)
	e.data = append(e.data, options...)
	e.qtype = k.Type
	e.ttls = uint16(len(offsets) / 2)
	e.extended = uint16(len(options))
	e.nameLen = uint8(len(k.Name))
	e.keyBits = k.bits()
	return e
}

// lowerOwners spells the question, and the owners that are the same name, in
// lower case. Upstreams echo the case in which they were asked, often as
// references to the question; in the same case they are references again, and
// then follow the case of the client's query.
func lowerOwners(reply *dns.Msg, asked string) {
	reply.Question[0].Name = asked
	for _, records := range [...][]dns.RR{reply.Answer, reply.Ns, reply.Extra} {
		for _, rr := range records {
			if header := rr.Header(); dns.CanonicalName(header.Name) == asked {
				header.Name = asked
			}
		}
	}
}

// hasOthers reports whether a reply has records of another name than the one asked
// for, besides those about the zones that it is in.
func hasOthers(reply *dns.Msg, asked string) bool {
	other := func(rr dns.RR) bool { return rr.Header().Name != asked }
	return slices.ContainsFunc(reply.Answer, other) || slices.ContainsFunc(reply.Extra, other)
}

// ttlOffsets returns where in a message the TTLs of its records are, two octets
// each.
func ttlOffsets(m []byte) (offsets []byte) {
	for r := range message.Records(m) {
		offsets = binary.BigEndian.AppendUint16(offsets, uint16(r.TTL()))
	}
	return offsets
}
