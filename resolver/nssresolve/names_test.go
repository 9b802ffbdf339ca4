package nssresolve

import (
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/varlink"
	"github.com/nodedns/nodedns/zone"
)

// newNamedZone is a ready zone whose nodes have names of both origins.
func newNamedZone(t *testing.T) *zone.Store {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: ours})
	if err != nil {
		t.Fatal(err)
	}
	source := store.Source("curator")
	source.Begin()
	source.Set(
		zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.10"), Names: []string{"web-2"}},
		zone.Entry{ID: nobody, Addresses: testkit.Addrs("10.0.0.11"), Names: []string{"box"}},
		zone.Entry{ID: strings.Replace(nobody, "ff", "00", 1), Addresses: testkit.Addrs("10.0.0.12"), Names: []string{"twins"}},
		zone.Entry{ID: strings.Replace(nobody, "ff", "11", 1), Addresses: testkit.Addrs("10.0.0.13"), Names: []string{"twins"}},
	)
	source.Complete()
	files := store.FileSource("files")
	files.Begin()
	files.Set(zone.Entry{ID: "nas", Addresses: testkit.Addrs("10.0.1.1")}, zone.Entry{ID: "deep.sub", Addresses: testkit.Addrs("10.0.1.2")})
	files.Complete()
	return store
}

// Names arrive as they were typed, and what is found is what the search list makes of
// them over DNS.
func TestReadableNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		about, resolvConf, name string
		flags                   varlink.Flags
		want                    string
		upstream                string // what it was asked for, in that order
	}{
		{"a cluster's name", "search one.example", "web-2", 0, "web-2.nodes.example [10.0.0.10]", "web-2.one.example"},
		{"without a list", "", "web-2", 0, "web-2.nodes.example [10.0.0.10]", ""},
		{"the list has the domain", "search nodes.example one.example", "web-2", 0, "web-2.nodes.example [10.0.0.10]", ""},
		{"complete by ndots", "search one.example\noptions ndots:0", "web-2", 0, "web-2.nodes.example [10.0.0.10]", ""},
		{"not to be searched", "search one.example", "web-2", varlink.NoSearch, "web-2.nodes.example [10.0.0.10]", ""},
		{"a final dot", "search one.example", "web-2.", 0, "web-2.nodes.example [10.0.0.10]", ""},
		{"a host of the site is called so too", "search one.example", "box", 0, "box.one.example [192.0.2.11]", "box.one.example"},
		{"contested", "search one.example", "twins", 0, "NetworkDown", "twins.one.example"},
		{"a file's name", "search two.example", "nas", 0, "nas [10.0.1.1]", ""},
		{"of two labels", "search two.example", "deep.sub", 0, "deep.sub [10.0.1.2]", ""},
		{"qualified", "search two.example", "nas.nodes.example", 0, "nas.nodes.example [10.0.1.1]", ""},
		{"with a domain of the list", "search two.example", "nas.two.example", 0, "DNSError", ""},
		{"unknown", "search one.example", "nobody", 0, "NoSuchResourceRecord", "nobody.one.example"},
		{"unknown, of two labels", "search one.example", "a.nobody", 0, "DNSError", "a.nobody a.nobody.one.example"},
	} {
		t.Run(tt.about, func(t *testing.T) {
			t.Parallel()
			u := new(world)
			s := newSearching(t, u, tt.resolvConf, newNamedZone(t).Snapshot)
			if got := found(s, varlink.HostnameQuestion{Name: tt.name, V4: true, Flags: tt.flags}, t); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := strings.ReplaceAll(strings.Join(u.take(), " "), " A", ""); got != tt.upstream {
				t.Errorf("the upstream was asked for %s, want %s", got, tt.upstream)
			}
		})
	}
	t.Run("no local domain", func(t *testing.T) {
		t.Parallel()
		s := newSearching(t, new(world), "search one.example", newNamedZone(t).Snapshot, func(s *resolver.Settings) { s.Domains = nil })
		if got, want := found(s, varlink.HostnameQuestion{Name: "web-2", V4: true}, t), "web-2 [10.0.0.10]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// The reverse record and what "hostname -f" is told agree.
func TestReadableNameOfAnAddress(t *testing.T) {
	t.Parallel()
	for ptr, want := range map[resolver.PTR]string{"": "web-2.nodes.example", resolver.PTRName: "web-2.nodes.example", resolver.PTRID: theirs} {
		s := newSearching(t, new(world), "", newNamedZone(t).Snapshot, func(s *resolver.Settings) { s.PTR = ptr })
		names, err := s.ResolveAddress(t.Context(), varlink.AddressQuestion{Addr: testkit.Addrs("10.0.0.10")[0]})
		if err != nil || len(names.All) != 1 || names.All[0] != want {
			t.Errorf("%q: got %v, %v; want %s", ptr, names.All, err, want)
		}
	}
}
