package upstream

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// betweenNeighbours are the options that are hop-by-hop or concern one server:
// they are not passed on in either direction.
var betweenNeighbours = []uint16{
	dns.EDNS0LLQ, dns.EDNS0UL, // of one server's subscriptions and leases
	dns.EDNS0NSID,         // RFC 5001, section 2.1: not transitive
	dns.EDNS0COOKIE,       // RFC 7873
	dns.EDNS0TCPKEEPALIVE, // RFC 7828
	dns.EDNS0PADDING,      // RFC 7830
	optionChain,
	dns.EDNS0EDE, // passed on by itself, as it holds for cached answers too
	dns.EDNS0REPORTING,
	dns.EDNS0ZONEVERSION,
	markOption,
}

// optionChain is RFC 7901's.
const optionChain = 13

// maxOptions bounds the options passed on with one message, in octets.
const maxOptions = 512

// PassedOn returns the options of a message that are for the server that
// answers it or, in a reply, for the client: all that are unknown, as those may
// be anything, and of the known ones those that are about the answer, such as
// the client's subnet (RFC 7871) and the algorithms that a validator supports
// (RFC 6975). Of a message with an excessive amount of them none is passed on,
// as by a server that does not support them (RFC 6891, section 6.1.2).
//
// A reply to a query with such options is for that query alone.
func PassedOn(m *dns.Msg) []dns.EDNS0 {
	opt := m.IsEdns0()
	if opt == nil {
		return nil
	}
	passed := slices.DeleteFunc(slices.Clone(opt.Option), func(option dns.EDNS0) bool {
		return slices.Contains(betweenNeighbours, option.Option())
	})
	if len(passed) == 0 || dns.Len(&dns.OPT{Hdr: opt.Hdr, Option: passed}) > maxOptions {
		return nil
	}
	return passed
}

// EncodeOptions returns options in wire form: nil for none.
func EncodeOptions(options []dns.EDNS0) ([]byte, error) {
	if len(options) == 0 {
		return nil, nil
	}
	record := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: options}
	wire := make([]byte, dns.Len(record))
	end, err := dns.PackRR(record, wire, 0, nil, false)
	if err != nil {
		return nil, fmt.Errorf("encode the query's options: %w", err)
	}
	const header = 11 // of a record at the root
	return wire[header:end], nil
}
