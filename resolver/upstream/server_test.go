package upstream

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseServer(t *testing.T) {
	tests := map[string]struct {
		text string
		want Server
		back string // where it differs from text
	}{
		"IPv4":                {"192.0.2.1", Server{UDP, netip.MustParseAddrPort("192.0.2.1:53"), "", ""}, ""},
		"IPv4 and port":       {"192.0.2.1:5353", Server{UDP, netip.MustParseAddrPort("192.0.2.1:5353"), "", ""}, ""},
		"usual port":          {"192.0.2.1:53", Server{UDP, netip.MustParseAddrPort("192.0.2.1:53"), "", ""}, "192.0.2.1"},
		"IPv6":                {"2001:db8::1", Server{UDP, netip.MustParseAddrPort("[2001:db8::1]:53"), "", ""}, ""},
		"IPv6 in brackets":    {"[2001:db8::1]", Server{UDP, netip.MustParseAddrPort("[2001:db8::1]:53"), "", ""}, "2001:db8::1"},
		"IPv6 and port":       {"[2001:db8::1]:54", Server{UDP, netip.MustParseAddrPort("[2001:db8::1]:54"), "", ""}, ""},
		"link-local":          {"fe80::1%eth0", Server{UDP, netip.MustParseAddrPort("[fe80::1%eth0]:53"), "", ""}, ""},
		"link-local and port": {"[fe80::1%eth0]:54", Server{UDP, netip.MustParseAddrPort("[fe80::1%eth0]:54"), "", ""}, ""},
		"IPv4-mapped":         {"::ffff:192.0.2.1", Server{UDP, netip.MustParseAddrPort("192.0.2.1:53"), "", ""}, "192.0.2.1"},
		"this machine":        {"0.0.0.0", Server{UDP, netip.MustParseAddrPort("127.0.0.1:53"), "", ""}, "127.0.0.1"},
		"TCP":                 {"tcp://192.0.2.1", Server{TCP, netip.MustParseAddrPort("192.0.2.1:53"), "", ""}, ""},
		"TLS":                 {"tls://192.0.2.1", Server{TLS, netip.MustParseAddrPort("192.0.2.1:853"), "", ""}, ""},
		"TLS, port and name":  {"tls://[2001:db8::1]:8853#DNS.example.", Server{TLS, netip.MustParseAddrPort("[2001:db8::1]:8853"), "dns.example", ""}, "tls://[2001:db8::1]:8853#dns.example"},
		"HTTPS":               {"https://192.0.2.1/dns-query", Server{HTTPS, netip.MustParseAddrPort("192.0.2.1:443"), "", "/dns-query"}, ""},
		"HTTPS by IPv6":       {"https://[2001:db8::1]/dns-query", Server{HTTPS, netip.MustParseAddrPort("[2001:db8::1]:443"), "", "/dns-query"}, ""},
		"HTTPS and all":       {"https://192.0.2.1:8443/q?user=1#dns.example", Server{HTTPS, netip.MustParseAddrPort("192.0.2.1:8443"), "dns.example", "/q?user=1"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseServer(tt.text)
			if err != nil || got != tt.want {
				t.Fatalf("got %+v, %v; want %+v", got, err, tt.want)
			}
			if tt.back == "" {
				tt.back = tt.text
			}
			if got.String() != tt.back {
				t.Errorf("it prints as %s, want %s", got, tt.back)
			}
		})
	}
}

// Shows RFC 8484 3.
func TestParseServerRefuses(t *testing.T) {
	for text, reason := range map[string]string{
		"":                                   "want an address",
		"dns.example":                        "no name",
		"192.0.2.1:0":                        "port 0",
		"192.0.2.1:99999":                    "want an address",
		"[192.0.2.1]":                        "want an address",
		"[2001:db8::1":                       "want an address",
		"2001:db8::1]":                       "want an address",
		"192.0.2.1#dns.example":              "tls://",
		"fe80::1":                            "its interface",
		"224.0.0.1":                          "address of many",
		"255.255.255.255":                    "address of many",
		"quic://192.0.2.1":                   "none of tcp://",
		"tls://dns.example":                  "no name",
		"tls://192.0.2.1#":                   "host name",
		"tls://192.0.2.1#two words":          "host name",
		"https://192.0.2.1":                  "path",
		"https://dns.example/dns-query":      "no name",
		"https://192.0.2.1/dns-query{?dns}":  "path",
		"https://192.0.2.1/dns query#a.test": "path",
	} {
		if got, err := ParseServer(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %+v, %v; want an error with %q", text, got, err, reason)
		}
	}
}

func TestURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://192.0.2.1/dns-query":                  "https://192.0.2.1/dns-query",
		"https://192.0.2.1/dns-query#dns.example":      "https://dns.example/dns-query",
		"https://[2001:db8::1]:8443/q":                 "https://[2001:db8::1]:8443/q",
		"https://[fe80::1%eth0]:8443/q":                "https://[fe80::1]:8443/q",
		"https://[2001:db8::1]:8443/q?a=b#dns.example": "https://dns.example:8443/q?a=b",
	} {
		server, err := ParseServer(text)
		if err != nil || server.url() != want {
			t.Errorf("%s is asked at %s, %v; want %s", text, server.url(), err, want)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "[::1]:54", "fe80::1%eth0", "tcp://0.0.0.0", "tls://192.0.2.1:1#a.b", "https://[::1]/q?x=%41#n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		server, err := ParseServer(text)
		if err != nil {
			return
		}
		again, err := ParseServer(server.String())
		if err != nil || again != server {
			t.Errorf("%q is %+v, which prints as %s, which is %+v, %v", text, server, server, again, err)
		}
	})
}
