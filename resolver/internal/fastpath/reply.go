package fastpath

import (
	"encoding/binary"

	"github.com/nodedns/nodedns/resolver/internal/decision"
)

// plainRcodes are the response codes that need no OPT.
const plainRcodes = 0xf

// Append appends the reply that a verdict stands for, of at most limit octets,
// and reports whether it could; if not, dst is undefined beyond its length.
// Fresh is the cookie for the client, empty without one. Nothing is allocated
// while dst has room.
func (q *Query) Append(dst []byte, v *decision.Verdict, limit int, fresh []byte) (_ []byte, ok bool) {
	start := len(dst)
	var passedOn []byte
	if v.Kind == decision.Cached {
		// What is about to expire is to be prefetched, which takes a query of the
		// ordinary path. What ends with an alias, has a code that takes an OPT, or a
		// verdict that differs from the reply in the cache, is more than a copy.
		if v.Hit.Prefetch || v.Hit.Open || v.Rcode > plainRcodes || v.Rcode != v.Hit.Rcode() || v.Hit.Len() > limit {
			return dst, false
		}
		dst, passedOn = v.Hit.AppendReply(dst, q.head), v.Hit.Extended()
	} else if dst, ok = q.appendLocal(dst, v); !ok {
		return dst, false
	}
	if q.EDNS {
		if dst, ok = q.appendOPT(dst, v, passedOn, fresh); !ok {
			return dst, false
		}
		additional := dst[start+10:]
		binary.BigEndian.PutUint16(additional, binary.BigEndian.Uint16(additional)+1)
	}
	return dst, len(dst)-start <= limit
}

// appendLocal appends a reply made of local data, without OPT.
func (q *Query) appendLocal(dst []byte, v *decision.Verdict) (_ []byte, ok bool) {
	if v.Rcode > plainRcodes {
		return dst, false
	}
	start := len(dst)
	dst = append(dst, q.head...)
	answers, authority := 0, 0
	switch v.Kind {
	case decision.Addresses:
		if addr, ok := v.Node.Addr(decision.Family(q.Type)); ok {
			dst, answers = appendAddr(dst, v.TTL, addr), 1
			break
		}
		dst, answers = appendNodeAddrs(dst, q.Type, v.TTL, v.Node)
	case decision.HostAddresses:
		dst, answers = appendHostAddrs(dst, q.Type, v.TTL, v.HostAddrs)
	case decision.Loopback:
		dst, answers = appendLoopback(dst, q.Type, v.TTL), 1
	case decision.NodeName:
		dst, answers = appendNodeName(dst, v), 1
	case decision.LocalhostName:
		dst, answers = appendPTR(dst, v.TTL, localhost), 1
	case decision.HostName:
		dst, answers = appendPTR(dst, v.TTL, v.HostName), 1
	case decision.Negative:
		dst, authority = q.appendSOA(dst, v), 1
	case decision.Bare:
	default:
		return dst, false
	}
	flags := byte(flagResponse)
	if v.Authoritative {
		flags |= flagAA
	}
	header := dst[start : start+headerLen]
	header[2] = flags | q.head[2]&flagRD
	header[3] = flagRA | q.head[3]&flagCD | byte(v.Rcode)
	binary.BigEndian.PutUint64(header[4:], 1<<48|uint64(answers)<<32|uint64(authority)<<16)
	return dst, true
}
