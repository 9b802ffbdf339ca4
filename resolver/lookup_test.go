package resolver

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	addr := start(t, newServer(t, settings())).Addrs()[0]
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
