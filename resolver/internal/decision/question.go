package decision

import (
	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/zone"
)

// Question is what a client wants to know. Its class is IN: a request for
// another one is turned down before there is anything to decide.
//
// The compiler makes Name escape to the heap; a reader that must not allocate
// keeps one Question for all that it reads.
type Question struct {
	Name Name
	Type uint16
	// DO and CD are the query's bits. They matter to other servers' answers
	// only.
	DO, CD bool
	// Alone is a query with options for the upstreams, to which no answer to
	// another query is one.
	Alone bool
}

// wantsAddress says whether the question is for addresses of a host.
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
