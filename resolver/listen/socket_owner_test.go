package listen

import (
	"net/netip"
	"testing"
)

// The words are the same in both byte orders.
func TestParseHexAddr(t *testing.T) {
	for text, want := range map[string]string{
		"7F00007F:0035":                         "127.0.0.127:53",
		"00000000000000000000000001000001:14E9": "[::100:1]:5353",
		"7F00007FZZ:0035":                       "",
		"7F00007F7F:0035":                       "",
		"7F00007F:10035":                        "",
		"7F00007F":                              "",
		"":                                      "",
	} {
		got, err := parseHexAddr(text)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q: got %v, want an error", text, got)
		case want != "" && got != netip.MustParseAddrPort(want):
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
}
