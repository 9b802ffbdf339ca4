package nssresolve

import (
	"strings"

	"github.com/miekg/dns"
)

// chain are the records that a reply has of the type asked for, and the name
// that they are at: the one asked for, or the last of the aliases from there.
// All else in a reply is ignored.
func chain(reply *dns.Msg) (name string, records []dns.RR) {
	asked := reply.Question[0]
	name = asked.Name
	for range reply.Answer { // at most
		target, aliased := aliasAt(reply, name)
		if !aliased {
			break
		}
		name = target
	}
	for _, rr := range reply.Answer {
		if h := rr.Header(); h.Rrtype == asked.Qtype && strings.EqualFold(h.Name, name) {
			records = append(records, rr)
		}
	}
	return name, records
}

// aliasAt is what a name is an alias of.
func aliasAt(reply *dns.Msg, name string) (target string, aliased bool) {
	for _, rr := range reply.Answer {
		if alias, ok := rr.(*dns.CNAME); ok && strings.EqualFold(alias.Hdr.Name, name) {
			return alias.Target, true
		}
	}
	return "", false
}

// isHostname reports whether a name is what the C library accepts as a host
// name (RFC 952 and 1123, and the underscore). Reverse zones may contain
// anything.
func isHostname(name string) bool {
	return name != "" && name[0] != '-' && name[0] != '.' && !strings.ContainsFunc(name, func(r rune) bool {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return false
		}
		return true
	})
}
