package inspect

import (
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/zone"
)

// A query for a name whose entry the cluster has, and the zone refuses, is
// answered with the reason, in every form of the name.
func TestRefusedEntries(t *testing.T) {
	t.Parallel()
	store := newZone(t, zoneReady)
	s := newScene(t, store, resolver.Upstreams{})
	source := store.Source("other")
	source.Set(
		zone.Entry{ID: nobody, Addresses: testkit.Addrs("127.0.0.1")},
		zone.Entry{ID: "Node7", Addresses: testkit.Addrs("10.0.0.7")},
		zone.Entry{ID: "www", Addresses: testkit.Addrs("10.0.0.8")},
	)
	for name, want := range map[string]string{
		nobody:                    "loopback",
		strings.ToUpper(nobody):   "loopback",
		"x." + nobody:             "loopback",
		nobody + ".nodes.example": "loopback",
		"node7":                   "no node-ID shape",
		"node7.nodes.example":     "no node-ID shape",
		theirs:                    "",
		departed:                  "",
		"printer":                 "",
		".":                       "",
		"www.example.com":         "", // a name of another domain
		"1.0.0.10.in-addr.arpa":   "",
		"stranger7.nodes.example": "",
	} {
		for _, dry := range []bool{true, false} {
			explained, err := s.Explain(t.Context(), name, "A", dry)
			if err != nil {
				t.Fatal(err)
			}
			if explained.Answer == nil {
				continue
			}
			if got := explained.Answer.Refused; (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("%s: refused for %q, want %q", name, got, want)
			}
		}
	}
}
