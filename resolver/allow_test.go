package resolver

import (
	"net/netip"
	"testing"
)

// The interface of a client and the form of its address change nothing.
func TestAllows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, allow, client string
		want                bool
	}{
		{"inside", "172.17.0.0/16", "172.17.0.2", true},
		{"outside", "172.17.0.0/16", "172.18.0.2", false},
		{"IPv4 within IPv6", "172.17.0.0/16", "::ffff:172.17.0.2", true},
		{"IPv4 within IPv6, outside", "172.17.0.0/16", "::ffff:172.18.0.2", false},
		{"another family", "::/0", "172.17.0.2", false},
		{"another family within IPv6", "::/0", "::ffff:172.17.0.2", false},
		{"a link", "fe80::/10", "fe80::2%br0", true},
		{"a link by number", "fe80::2/128", "fe80::2%7", true},
		{"a link, outside", "fe80::2/128", "fe80::3%br0", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := Settings{Allow: []netip.Prefix{netip.MustParsePrefix(tt.allow)}}
			if got := s.allows(netip.MustParseAddr(tt.client)); got != tt.want {
				t.Errorf("%s: %t with %s", tt.client, got, tt.allow)
			}
		})
	}
}
