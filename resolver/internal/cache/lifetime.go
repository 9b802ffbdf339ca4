package cache

import (
	"slices"

	"github.com/miekg/dns"
)

const (
	// maxPositive caps the TTLs of answers. Longer ones gain next to nothing, and
	// with the cap a mistake in a zone outlives its correction by a day at most.
	maxPositive = 24 * 60 * 60
	// maxNegative caps those of denials. RFC 2308, section 5, found one to
	// three hours to work well and a day to be a problem.
	maxNegative = 3 * 60 * 60
	// maxProvisional caps those of replies that a better one is expected to
	// replace.
	maxProvisional = 5
	// staleTTL is the TTL of all records that are served stale, in seconds
	// (RFC 8767, section 4).
	staleTTL = 30
)

// Settle writes into a reply's records the TTLs that they are kept with, and
// returns for how many seconds that is: the smallest of them, since the reply
// is served as a whole. It is 0 for a reply that must not be kept.
func Settle(reply *dns.Msg, qtype uint16, provisional bool) uint32 {
	return settle(reply, denies(reply, qtype), provisional)
}

func settle(reply *dns.Msg, negative, provisional bool) uint32 {
	most := uint32(maxPositive)
	if provisional {
		most = maxProvisional
	}
	least := most
	for _, records := range [...][]dns.RR{reply.Answer, reply.Ns, reply.Extra} {
		for _, rr := range records {
			ttl := min(plain(rr.Header().Ttl), most)
			if soa, ok := rr.(*dns.SOA); ok && negative {
				ttl = min(ttl, plain(soa.Minttl), maxNegative)
			}
			rr.Header().Ttl = ttl
			least = min(least, ttl)
		}
	}
	if negative && !slices.ContainsFunc(reply.Ns, isSOA) {
		return 0 // RFC 2308, section 5: there is no SOA to set the time
	}
	return least
}

// denies reports whether a reply is NXDOMAIN, or has no record of the type
// asked for, even if it has aliases (RFC 2308, sections 2.1 and 2.2).
func denies(reply *dns.Msg, qtype uint16) bool {
	return reply.Rcode == dns.RcodeNameError || reply.Rcode != dns.RcodeYXDomain && !slices.ContainsFunc(reply.Answer, func(rr dns.RR) bool {
		return qtype == dns.TypeANY || rr.Header().Rrtype == qtype
	})
}

func isSOA(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }

// plain is the effective TTL: with its top bit set it is 0 (RFC 2181,
// section 8).
func plain(ttl uint32) uint32 {
	if ttl >= 1<<31 {
		return 0
	}
	return ttl
}

// withoutTransport takes out the records that belong to one exchange only.
func withoutTransport(reply *dns.Msg) {
	for _, section := range [...]*[]dns.RR{&reply.Answer, &reply.Ns, &reply.Extra} {
		*section = slices.DeleteFunc(*section, func(rr dns.RR) bool {
			return rr.Header().Rrtype == dns.TypeOPT || rr.Header().Rrtype == dns.TypeTSIG
		})
	}
}
