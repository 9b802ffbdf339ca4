package fastpath

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cookie"
	"github.com/nodedns/nodedns/resolver/internal/decision"
)

const (
	optLen      = 11 // octets of an OPT record without options
	optionLen   = 4  // of an option without its data
	flagDO      = 0x80
	payloadSize = 1232 // what we advertise, as the ordinary path does

	// maxExtendedText bounds the text of an extended error, in octets.
	maxExtendedText = 256
)

// parseOPT reads what is behind the question: an OPT record with nothing but a
// cookie in it (RFC 6891, section 6.1.2).
func (q *Query) parseOPT(rest []byte) bool {
	if len(rest) < optLen || len(rest) != optLen+int(binary.BigEndian.Uint16(rest[9:])) {
		return false
	}
	// The root, the type, no extended rcode, version 0, and of the flags DO at
	// most.
	if rest[0] != 0 || binary.BigEndian.Uint16(rest[1:]) != dns.TypeOPT ||
		binary.BigEndian.Uint32(rest[5:])&^(flagDO<<8) != 0 {
		return false
	}
	q.UDPSize = binary.BigEndian.Uint16(rest[3:])
	q.DO = rest[7]&flagDO != 0
	if options := rest[optLen:]; len(options) > 0 {
		return q.parseCookie(options)
	}
	return true
}

// parseCookie reads the one option there may be.
func (q *Query) parseCookie(options []byte) bool {
	if len(options) < optionLen || binary.BigEndian.Uint16(options) != dns.EDNS0COOKIE {
		return false
	}
	q.Cookie = options[optionLen:]
	return int(binary.BigEndian.Uint16(options[2:])) == len(q.Cookie) && cookie.WellFormed(q.Cookie)
}

// appendOPT appends the OPT record of a reply: the extended errors, our own
// first, and the cookie.
func (q *Query) appendOPT(dst []byte, v *decision.Verdict, passedOn, fresh []byte) ([]byte, bool) {
	do := byte(0)
	if q.DO {
		do = flagDO
	}
	start := len(dst)
	dst = append(dst, 0, 0, byte(dns.TypeOPT), payloadSize>>8, payloadSize&0xff, 0, 0, do, 0, 0, 0)
	if v.Error.Present() {
		at := len(dst)
		dst = append(dst, 0, dns.EDNS0EDE, 0, 0, byte(v.Error.Code>>8), byte(v.Error.Code))
		dst = v.Error.AppendMessage(dst)
		length := len(dst) - at - optionLen
		if length > 2+maxExtendedText {
			return dst, false
		}
		binary.BigEndian.PutUint16(dst[at+2:], uint16(length))
	}
	dst = append(dst, passedOn...)
	if len(fresh) > 0 {
		dst = append(dst, 0, dns.EDNS0COOKIE, 0, byte(len(fresh)))
		dst = append(dst, fresh...)
	}
	binary.BigEndian.PutUint16(dst[start+9:], uint16(len(dst)-start-optLen))
	return dst, true
}
