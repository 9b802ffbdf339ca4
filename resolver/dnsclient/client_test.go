package dnsclient

import (
	"net/netip"
	"slices"
	"testing"
)

func TestClient(t *testing.T) {
	t.Parallel()
	addr := start(t)
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			c := New(network, addr)
			defer c.Close()
			tests := []struct {
				name, typ string
				rcode     string
				records   []string
			}{
				{theirs, "A", "NOERROR", []string{"10.0.0.10"}},
				{"localhost", "AAAA", "NOERROR", []string{"::1"}},
				{"10.0.0.10.in-addr.arpa", "PTR", "NOERROR", []string{theirs + "."}},
				{theirs, "TXT", "NOERROR", nil},
				{nobody, "A", "NXDOMAIN", nil},
			}
			for _, tt := range tests {
				// The connection of the one before is used again.
				r, err := c.Ask(t.Context(), tt.name, tt.typ)
				if err != nil || r.Rcode != tt.rcode || tt.records != nil && !slices.Equal(r.Records, tt.records) {
					t.Errorf("%s %s: got %+v, %v, want %s %v", tt.name, tt.typ, r, err, tt.rcode, tt.records)
				}
			}
			if r, err := c.AskReverse(t.Context(), netip.MustParseAddr("2001:db9::a")); err != nil || !slices.Equal(r.Records, []string{theirs + "."}) {
				t.Errorf("the name of an address: got %+v, %v", r, err)
			}
			for _, wrong := range [][2]string{{"a..b", "A"}, {theirs, "ABC"}} {
				if r, err := c.Ask(t.Context(), wrong[0], wrong[1]); err == nil {
					t.Errorf("%v: got %+v, want an error", wrong, r)
				}
			}
		})
	}
}

// A server that closes between two questions, as one with an idle timeout does,
// is asked again.
func TestClientDialsAgain(t *testing.T) {
	t.Parallel()
	addr := start(t)
	c := New("tcp", addr)
	defer c.Close()
	if _, err := c.Ask(t.Context(), theirs, "A"); err != nil {
		t.Fatal(err)
	}
	if err := c.conn.Conn.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Ask(t.Context(), theirs, "A"); err != nil || len(r.Records) == 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}
