package querylog

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Transport is how a query arrived.
type Transport uint8

// The transports.
const (
	UDP     Transport = iota
	TCP               // RFC 7766
	Query             // from package inspect, on this machine and without a socket
	Varlink           // via the interface of nss-resolve
)

// String is the transport in one word.
func (t Transport) String() string {
	switch t {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	case Varlink:
		return "varlink"
	default:
		return "query"
	}
}

// Entry is a query that was answered.
type Entry struct {
	Time      time.Time      // of the answer
	Duration  time.Duration  // since the query was accepted
	Client    netip.AddrPort // the zero one where there is no socket
	Transport Transport

	Rcode  int // as in dns.RcodeToString, with the bits that are in the OPT
	Source decision.Source
	Reason string          // the rule that decided
	Server upstream.Server // that answered now; the zero one if none was needed
	// Extended are the extended errors (RFC 8914) of the answer: also those
	// that the client did not get since it does not speak EDNS, and of each its
	// whole text. They must not be changed.
	Extended []*dns.EDNS0_EDE
	// Reply is the message to the client, or what it would have been over TCP.
	// That to a malformed query is only a header.
	Reply []byte
}

// Question is what was asked for, spelled as the client did. The reply to a
// malformed query has none.
func (e *Entry) Question() (name string, qtype uint16, ok bool) {
	const header = 12
	if len(e.Reply) <= header {
		return "", 0, false
	}
	name, end, err := dns.UnpackDomainName(e.Reply, header)
	if err != nil || end+2 > len(e.Reply) {
		return "", 0, false
	}
	return name, uint16(e.Reply[end])<<8 | uint16(e.Reply[end+1]), true
}

// bytes is how much memory the entry keeps beyond its own.
func (e *Entry) bytes() int {
	n := len(e.Reply)
	for _, ede := range e.Extended {
		n += len(ede.ExtraText)
	}
	return n
}
