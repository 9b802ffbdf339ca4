package main

import (
	"net/netip"
	"strings"

	"github.com/nodedns/nodedns/resolver/dnsclient"
)

// reverseName is the name at which an address, as text, has its PTR record.
func reverseName(text string) (string, bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return "", false
	}
	name, err := dnsclient.ReverseName(addr.WithZone(""))
	return strings.TrimSuffix(name, "."), err == nil
}
