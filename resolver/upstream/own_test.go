package upstream

import (
	"net/netip"
	"testing"
)

func TestIsOwn(t *testing.T) {
	tests := map[string]struct {
		own, server, source string
		want                bool
	}{
		"the same":                     {"127.0.0.53:53", "127.0.0.53:53", "", true},
		"another port":                 {"127.0.0.53:53", "127.0.0.53:54", "", false},
		"another address":              {"127.0.0.53:53", "127.0.0.54:53", "", false},
		"wildcard and loopback":        {"0.0.0.0:53", "127.0.0.1:53", "", true},
		"unspecified server":           {"127.0.0.1:53", "0.0.0.0:53", "", true},
		"unspecified IPv6 server":      {"[::1]:53", "[::]:53", "", true},
		"IPv4-mapped server":           {"127.0.0.1:53", "[::ffff:127.0.0.1]:53", "", true},
		"wildcard of the other family": {"[::]:53", "127.0.0.1:53", "", false},
		"wildcard and another machine": {"0.0.0.0:53", "192.0.2.1:53", "192.0.2.9", false},
		"wildcard and this machine":    {"0.0.0.0:53", "192.0.2.1:53", "192.0.2.1", true},
		"link-local, this machine":     {"[::]:53", "[fe80::1%eth0]:53", "fe80::1%eth0", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			source, _ := netip.ParseAddr(tt.source)
			server := Normalize(netip.MustParseAddrPort(tt.server))
			if got := IsOwn([]netip.AddrPort{netip.MustParseAddrPort(tt.own)}, server, source); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
