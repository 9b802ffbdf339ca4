package upstream

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// A server near by may be one that queries us in turn. Two marks reveal it:
//
//   - Each query to such a server carries an option with a number that stands
//     for our queries to that server. Another nodedns adds its own, so that a
//     query that loops back has ours in it. Forwarders that pass options on
//     unchanged are detected by it as well.
//   - Such a server is probed by the name NUMBER.nodedns-loop.test, which comes
//     back to us through any forwarder. It has to be an ordinary name for that;
//     test is reserved (RFC 6761, section 6.2).
//
// Numbers are random and known to that server only.

// token stands for one of our servers.
type token uint64

const (
	// markOption is an option code for local use (RFC 6891, section 9).
	markOption = 65053
	// maxHops is how many forwarders that add a mark may stand in line.
	maxHops   = 8
	loopLabel = ".nodedns-loop.test."
)

func newToken() token {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if t := token(binary.BigEndian.Uint64(b[:])); t != 0 {
			return t
		}
	}
}

// loopName is the name to probe a server by.
func (t token) loopName() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(t))) + loopLabel
}

// parseLoopName is the reverse of loopName.
func parseLoopName(name string) (token, bool) {
	digits, ok := strings.CutSuffix(strings.ToLower(name), loopLabel)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return token(n), err == nil
}

// MayBeProbe reports whether a name, in wire form and in lower case, looks like
// one that servers are probed by, so that [Pool.Looped] has to see the query.
// It is for callers that do not parse queries.
func MayBeProbe(name []byte) bool {
	const suffix = "\x0cnodedns-loop\x04test\x00"
	return len(name) == 1+16+len(suffix) && string(name[1+16:]) == suffix
}

// marks are the numbers in a query's option, at most those of maxHops hops.
func marks(opt *dns.OPT) []byte {
	for _, option := range opt.Option {
		if local, ok := option.(*dns.EDNS0_LOCAL); ok && local.Code == markOption {
			return local.Data[:min(len(local.Data)&^7, 8*maxHops)]
		}
	}
	return nil
}

// loopable reports whether a server at an address may be one that queries us:
// on this machine, or where its clients are.
func loopable(addr netip.Addr) bool {
	return addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast()
}

// Forwarded reports whether a query has been through another server that marks
// what it forwards. Making such a query wait for another one's answer may
// deadlock a cycle of servers.
func Forwarded(query *dns.Msg) bool {
	opt := query.IsEdns0()
	return opt != nil && len(marks(opt)) > 0
}

// Looped reports whether a query is one of ours that came back, and through
// which server. That server is not queried again until it is found to have
// stopped doing so. Such a query must be rejected, before anything else is
// decided.
//
// Queries that have gone through too many hops are rejected as well; the
// Server is then the zero value.
func (p *Pool) Looped(query *dns.Msg) (Server, bool) {
	if len(query.Question) == 1 {
		if t, ok := parseLoopName(query.Question[0].Name); ok {
			if peer := p.byToken(t); peer != nil {
				return peer.looped()
			}
		}
	}
	opt := query.IsEdns0()
	if opt == nil {
		return Server{}, false
	}
	passed := marks(opt)
	for hop := passed; len(hop) > 0; hop = hop[8:] {
		if peer := p.byToken(token(binary.BigEndian.Uint64(hop))); peer != nil {
			return peer.looped()
		}
	}
	return Server{}, len(passed) == 8*maxHops
}
