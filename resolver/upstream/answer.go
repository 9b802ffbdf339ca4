package upstream

import "github.com/miekg/dns"

// IsAnswer reports whether a reply settles a query. Any other says something of
// the server, or of its trouble with the name, and the next server may have an
// answer: an error; and nothing, or a referral, of a server that neither
// recurses nor has the name itself, which is lame. To a query without RD a
// referral is an answer.
func IsAnswer(reply *dns.Msg) bool {
	switch reply.Rcode {
	case dns.RcodeNameError:
		return true
	case dns.RcodeYXDomain: // RFC 6672, section 2.2: a DNAME makes the name too long
		return len(reply.Answer) > 0
	case dns.RcodeSuccess:
		return len(reply.Answer) > 0 || reply.RecursionAvailable || reply.Authoritative || !reply.RecursionDesired
	}
	return false
}

// informativeness is how much a reply that is no answer helps a client: most if
// it gives a reason, more if it is about the name than about the server, and
// least if it is lame, which would be taken for a denial.
func informativeness(reply *dns.Msg) int {
	n := 1
	switch reply.Rcode {
	case dns.RcodeServerFailure:
		n = 2
	case dns.RcodeSuccess:
		n = 0
	}
	if len(Extended(reply)) > 0 {
		n += 2
	}
	return n
}
