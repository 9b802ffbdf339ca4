package dnsclient

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	addr := start(t)
	got, err := Lookup(t.Context(), addr, theirs)
	want := []netip.Addr{netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("2001:db9::a")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := Lookup(t.Context(), addr, "printer"); err != nil || len(got) != 0 {
		t.Errorf("NODATA: got %v, %v", got, err)
	}
	if got, err := Lookup(t.Context(), addr, nobody); err == nil || !strings.Contains(err.Error(), "NXDOMAIN") {
		t.Errorf("NXDOMAIN: got %v, %v", got, err)
	}
	if got, err := Lookup(t.Context(), addr, "a..b"); err == nil {
		t.Errorf("no name at all: got %v", got)
	}
}

// Listeners for containers need not answer this machine, unless there are no
// others.
func TestOwnListeners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ listen, want string }{
		"loopback":      {"127.0.0.53:53 [::1]:53", "[127.0.0.53:53 [::1]:53]"},
		"all addresses": {"0.0.0.0:53 [::]:54", "[127.0.0.1:53 [::1]:54]"},
		"a bridge too":  {"172.17.0.1:53 127.0.0.53:53 [fe80::1%br0]:53", "[127.0.0.53:53]"},
		"a bridge only": {"172.17.0.1:53", "[172.17.0.1:53]"},
		"none":          {"", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []netip.AddrPort
			for _, text := range strings.Fields(c.listen) {
				all = append(all, netip.MustParseAddrPort(text))
			}
			if got := fmt.Sprint(OwnListeners(all)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
