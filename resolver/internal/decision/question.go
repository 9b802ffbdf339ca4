package decision

import (
	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/cache"
	"github.com/nodedns/nodedns/zone"
)

// Question is what a client wants to know. Its class is IN: a request for
// another one is refused before the decision.
//
// The compiler makes Name escape to the heap; a reader that must not allocate
// keeps one Question for all that it reads.
type Question struct {
	Name Name
	Type uint16
	// DO and CD are the query's bits. They matter to other servers' answers
	// only.
	DO, CD bool
	// Options are those of EDNS for the upstreams, in wire form. Only the answer to
	// an equal query serves one that has any.
	Options []byte
	// Alone is set for a query that no other one's answer serves, be it in the cache
	// or on its way.
	Alone bool
	// Aliased is set for a name that an alias of another server's leads to.
	Aliased bool
}

// Key is what the upstreams' answer is cached by.
func (q *Question) Key() cache.Key {
	return cache.Key{Name: q.Name, Type: q.Type, DO: q.DO, CD: q.CD, Options: q.Options}
}

// wantsAddress reports whether the question is for addresses of a host.
func (q *Question) wantsAddress() bool {
	return q.Type == dns.TypeA || q.Type == dns.TypeAAAA
}

// Family is the family of addresses that a query of type A or AAAA asks for.
func Family(qtype uint16) zone.Family {
	if qtype == dns.TypeA {
		return zone.IPv4
	}
	return zone.IPv6
}
