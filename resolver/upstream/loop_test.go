package upstream

import (
	"testing"

	"github.com/miekg/dns"
)

func TestMayBeProbe(t *testing.T) {
	for name, want := range map[string]bool{
		newToken().loopName():                     true,
		token(0).loopName():                       true,
		"x." + token(1).loopName():                false,
		"0123456789abcde.nodedns-loop.test.":      false,
		"0123456789abcdef.nodedns-loop.example.":  false,
		"nodedns-loop.test.":                      false,
		".":                                       false,
		"01234567890123456789.other.example.org.": false,
	} {
		var wire [255]byte
		n, err := dns.PackDomainName(name, wire[:], 0, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := MayBeProbe(wire[:n]); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
