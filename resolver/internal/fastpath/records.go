package fastpath

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/hosts"
	"github.com/nodedns/nodedns/zone"
)

// reference makes an offset from the beginning of the message a compression
// pointer (RFC 1035, section 4.1.4).
const reference = 0xc000

const (
	localhost = "\x09localhost\x00"
	// soaData is the data of all our SOA records but their minimum: the server,
	// the mailbox, serial 1, refresh 3600, retry 600, expire 86400.
	soaData = localhost + "\x06nobody\x07invalid\x00" +
		"\x00\x00\x00\x01" + "\x00\x00\x0e\x10" + "\x00\x00\x02\x58" + "\x00\x01\x51\x80"
)

// appendHeader appends the beginning of a record that belongs to the name in
// the question, up to the length of its data.
func appendHeader(dst []byte, rrtype uint16, ttl uint32, length int) []byte {
	return append(dst,
		reference>>8, headerLen,
		byte(rrtype>>8), byte(rrtype), 0, byte(dns.ClassINET),
		byte(ttl>>24), byte(ttl>>16), byte(ttl>>8), byte(ttl),
		byte(length>>8), byte(length))
}

// appendAddr appends the record of an address.
func appendAddr(dst []byte, ttl uint32, addr netip.Addr) []byte {
	if addr.Is4() {
		octets := addr.As4()
		return append(appendHeader(dst, dns.TypeA, ttl, len(octets)), octets[0], octets[1], octets[2], octets[3])
	}
	octets := addr.As16()
	return append(appendHeader(dst, dns.TypeAAAA, ttl, len(octets)), octets[:]...)
}

// appendNodeAddrs appends the addresses of a node that are of the type's family,
// and counts them.
func appendNodeAddrs(dst []byte, qtype uint16, ttl uint32, node zone.Node) (_ []byte, count int) {
	for addr := range node.Addrs() {
		if addr.Is4() == (qtype == dns.TypeA) {
			dst = appendAddr(dst, ttl, addr)
			count++
		}
	}
	return dst, count
}

// appendHostAddrs is appendNodeAddrs for a name of the hosts file. Looping over
// any sequence of addresses would allocate.
func appendHostAddrs(dst []byte, qtype uint16, ttl uint32, addrs hosts.Addrs) (_ []byte, count int) {
	for addr := range addrs.All() {
		if addr.Is4() == (qtype == dns.TypeA) {
			dst = appendAddr(dst, ttl, addr)
			count++
		}
	}
	return dst, count
}

func appendLoopback(dst []byte, qtype uint16, ttl uint32) []byte {
	if qtype == dns.TypeA {
		return append(appendHeader(dst, dns.TypeA, ttl, 4), 127, 0, 0, 1)
	}
	octets := [16]byte{15: 1}
	return append(appendHeader(dst, dns.TypeAAAA, ttl, len(octets)), octets[:]...)
}

// appendPTR appends a PTR record with a name in wire form.
func appendPTR(dst []byte, ttl uint32, name string) []byte {
	return append(appendHeader(dst, dns.TypePTR, ttl, len(name)), name...)
}

// appendNodeName appends a PTR record with the name of a node.
func appendNodeName(dst []byte, v *decision.Verdict) []byte {
	dst = appendHeader(dst, dns.TypePTR, v.TTL, 0)
	at := len(dst)
	dst = v.Node.AppendCanonical(append(dst, '.'), *v.Canonical)
	dst = append(dst, '.')
	dotsToLengths(dst[at:])
	binary.BigEndian.PutUint16(dst[at-2:], uint16(len(dst)-at))
	return dst
}

// dotsToLengths makes a name in dotted form, with a dot before it and one behind, one
// in wire form.
func dotsToLengths(name []byte) {
	for len(name) > 1 {
		length := bytes.IndexByte(name[1:], '.')
		name[0] = byte(length)
		name = name[1+length:]
	}
	name[0] = 0
}

// appendSOA appends the SOA record of a negative reply.
func (q *Query) appendSOA(dst []byte, v *decision.Verdict) []byte {
	dst = q.appendOwner(dst, v.SOA)
	minimum := v.Minimum
	const length = len(soaData) + 4
	dst = append(dst,
		0, byte(dns.TypeSOA), 0, byte(dns.ClassINET),
		byte(minimum>>24), byte(minimum>>16), byte(minimum>>8), byte(minimum),
		0, byte(length))
	dst = append(dst, soaData...)
	return binary.BigEndian.AppendUint32(dst, minimum)
}

// appendOwner appends a name, as a pointer if the question ends with it in the
// same spelling.
func (q *Query) appendOwner(dst []byte, name decision.Name) []byte {
	asked := q.head[headerLen : headerLen+len(q.Name)]
	at := len(asked) - len(name)
	if name.IsRoot() || at < 0 || string(asked[at:]) != string(name) {
		return append(dst, name...)
	}
	return binary.BigEndian.AppendUint16(dst, uint16(reference|headerLen+at))
}
