package inspect

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/internal/querylog"
)

// An entry has what the answer had that it is about.
func TestTextOf(t *testing.T) {
	t.Parallel()
	s := newScene(t, newZone(t, zoneReady), resolver.Upstreams{})
	w, err := s.Server.Watch()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, name := range []string{theirs, "www.example.org"} { // an answer, and an extended error
		a, err := s.Query(t.Context(), name, "A")
		if err != nil {
			t.Fatal(err)
		}
		entries, missed, err := w.Next(t.Context())
		if err != nil || len(entries) != 1 || missed != 0 {
			t.Fatalf("%d entries, %d missed, %v", len(entries), missed, err)
		}
		got, want := TextOf(&entries[0]), *a
		want.Provenance, want.Duration, got.Duration = Provenance{}, 0, 0
		if !reflect.DeepEqual(got.Answer, want) || got.Transport != "query" || got.Client != "" || !got.Time.Equal(wallClock) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestTextOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	o := TextOf(&querylog.Entry{Reply: []byte("no message"), Rcode: dns.RcodeRefused, Client: netip.MustParseAddrPort("[::1]:53")})
	if o.Rcode != "REFUSED" || o.Client != "[::1]:53" || o.Name != "" {
		t.Errorf("got %+v", o)
	}
}
