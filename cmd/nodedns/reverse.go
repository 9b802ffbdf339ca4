package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// reverseName is the name at which an address has its PTR record (RFC 1035,
// section 3.5, and RFC 3596, section 2.5).
func reverseName(text string) (string, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return "", false
	}
	addr = addr.Unmap()
	bytes := addr.AsSlice()
	var name strings.Builder
	for i := len(bytes) - 1; i >= 0; i-- {
		if addr.Is4() {
			fmt.Fprintf(&name, "%d.", bytes[i])
		} else {
			fmt.Fprintf(&name, "%x.%x.", bytes[i]&0xf, bytes[i]>>4)
		}
	}
	if addr.Is4() {
		return name.String() + "in-addr.arpa", true
	}
	return name.String() + "ip6.arpa", true
}
