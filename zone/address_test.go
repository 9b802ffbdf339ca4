package zone

import (
	"net/netip"
	"strings"
	"testing"
)

func TestCheckAddr(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		addr string
		want string // part of the reason; empty: a node may have it
	}{
		{"192.0.2.1", ""},
		{"10.0.0.1", ""},
		{"100.64.0.1", ""},
		{"2001:db8::1", ""},
		{"fd00::1", ""},
		{"0.0.0.0", "unspecified"},
		{"0.1.2.3", "unspecified"},
		{"127.0.0.1", "loopback"},
		{"224.0.0.1", "multicast"},
		{"239.255.255.255", "multicast"},
		{"169.254.1.1", "link-local"},
		{"239.255.255.255", "multicast"},
		{"240.0.0.0", "reserved"},
		{"250.1.2.3", "reserved"},
		{"255.255.255.255", "reserved"},
		{"::", "unspecified"},
		{"::1", "loopback"},
		{"::2", "IPv4-compatible"},
		{"::192.0.2.1", "IPv4-compatible"},
		{"::127.0.0.1", "IPv4-compatible"},
		{"::1:0:0", ""}, // beyond ::/96
		{"::ffff:192.0.2.1", "IPv4-mapped"},
		{"ff02::1", "multicast"},
		{"fe80::1", "link-local"},
		{"100::", "discard-only"},
		{"100::dead:beef:1:1", "discard-only"},
		{"100:0:0:1::1", ""},

		{"::ffff:0:192.0.2.1", ""},
		{"::ffff:0:127.0.0.1", "of 127.0.0.1, which is a loopback"},
		{"::ffff:0:0.0.0.0", "of 0.0.0.0, which is unspecified"},

		{"64:ff9b::192.0.2.1", ""},
		{"64:ff9b::10.0.0.1", ""},
		{"64:ff9b::127.0.0.1", "of 127.0.0.1, which is a loopback"},
		{"64:ff9b::127.255.1.2", "loopback"},
		{"64:ff9b::", "of 0.0.0.0, which is unspecified"},
		{"64:ff9b::0.1.2.3", "unspecified"},
		{"64:ff9b::169.254.169.254", "link-local"},
		{"64:ff9b::255.255.255.255", "reserved"},
		{"64:ff9b:0:0:1::127.0.0.1", ""}, // not of the prefix

		// By a local prefix of 96, 64, 56 and 48 bits.
		{"64:ff9b:1::192.0.2.1", ""},
		{"64:ff9b:1:fffe::192.0.2.1", ""},
		{"64:ff9b:1::127.0.0.1", "of 127.0.0.1, which is a loopback"},
		{"64:ff9b:1:fffe::127.0.0.1", "loopback"},
		{"64:ff9b:1::0.0.0.1", "unspecified"},
		{"64:ff9b:1:1:c0:2:100::", ""},
		{"64:ff9b:1:1:7f:0:100::", "of 127.0.0.1, which is a loopback"},
		{"64:ff9b:1:1:0:2:100::", "unspecified"},
		{"64:ff9b:1:1c0:0:201::", ""},
		{"64:ff9b:1:17f:0:1::", "of 127.0.0.1, which is a loopback"},
		{"64:ff9b:1:c000:2:100::", ""},
		{"64:ff9b:1:7f00:0:100::", "of 127.0.0.1, which is a loopback"},
		{"64:ff9b:1::", "of 0.0.0.0, which is unspecified"},

		{"2002:c000:201::1", ""},
		{"2002:7f00:1::1", "of 127.0.0.1, which is a loopback"},
		{"2002::1", "of 0.0.0.0, which is unspecified"},
		{"2002:e000:1::1", "multicast"},

		// The client is 192.0.2.45, 127.0.0.1, 0.0.0.0.
		{"2001:0:cb00:7101:8000:63bf:3fff:fdd2", ""},
		{"2001:0:cb00:7101:8000:63bf:80ff:fffe", "of 127.0.0.1, which is a loopback"},
		{"2001:0:cb00:7101:8000:63bf:ffff:ffff", "of 0.0.0.0, which is unspecified"},
		{"2001:0:7f00:1:8000:63bf:3fff:fdd2", "of 127.0.0.1, which is a loopback"},
		{"2001::3fff:fdd2", "of 0.0.0.0, which is unspecified"},
		{"2001:1::1", ""},

		{"2001:db8::5efe:192.0.2.1", ""},
		{"2001:db8::5efe:127.0.0.1", "of 127.0.0.1, which is a loopback"},
		{"2001:db8::200:5efe:0.0.0.0", "of 0.0.0.0, which is unspecified"},
	} {
		t.Run(test.addr, func(t *testing.T) {
			t.Parallel()
			_, err := ParseAddr(test.addr)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	if _, err := ParseAddr("2001:db8::1%" + strings.Repeat("x\n", 1000)); err == nil || len(err.Error()) > 100 || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error repeats the zone: %v", err)
	}
	for _, addr := range []netip.Addr{{}, netip.MustParseAddr("2001:db8::1%eth0"), netip.MustParseAddr("fe80::1%eth0")} {
		if CheckAddr(addr) == nil {
			t.Errorf("%q is taken for a node's", addr)
		}
	}
}

// What no other machine would take from us is not published as ours either.
func TestOwnAddressesAreThoseThatANodeMayHave(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("240.0.0.1", "192.0.2.7", "2002:7f00:1::1", "2002:c000:207::1")
	f.want(self, "192.0.2.7 2002:c000:207::1")
}
