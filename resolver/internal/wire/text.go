package wire

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// RcodeName is the mnemonic of a response code. 16 has two; in a reply without
// TSIG it is that of EDNS.
func RcodeName(rcode int) string {
	if rcode == dns.RcodeBadVers {
		return "BADVERS"
	}
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return "RCODE" + strconv.Itoa(rcode)
}

// ParseType reads a mnemonic, or the form of RFC 3597, section 5.
func ParseType(text string) (uint16, bool) {
	text = strings.ToUpper(text)
	if number, ok := dns.StringToType[text]; ok {
		return number, true
	}
	digits, ok := strings.CutPrefix(text, "TYPE")
	number, err := strconv.ParseUint(digits, 10, 16)
	return uint16(number), ok && err == nil
}

// RData is a record's text after its name, TTL, class and type.
func RData(rr dns.RR) string {
	const fields = 4
	parts := strings.SplitN(rr.String(), "\t", fields+1)
	return parts[len(parts)-1]
}

// Address is the address in an A or AAAA record.
func Address(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		return netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		return netip.AddrFromSlice(rr.AAAA)
	}
	return netip.Addr{}, false
}

// WithoutDot is a name without its final dot, as programs use it.
func WithoutDot(name string) string {
	if name == "." {
		return name
	}
	return strings.TrimSuffix(name, ".")
}
