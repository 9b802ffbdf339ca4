package zone

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

const (
	ourBoot     = "98163c45-6f50-465b-81be-801536fa29f8"
	foreignBoot = "11111111-2222-3333-4444-555555555555"
	olderBoot   = "00000000-2222-3333-4444-555555555555"
)

func TestDuplicateKey(t *testing.T) {
	t.Parallel()
	const uptime = 3 * time.Hour
	type step struct {
		boot, addr string
		wait       time.Duration // before it
		backlog    bool          // it is in a new backlog
	}
	raw := canonicalBoot(ourBoot)
	for name, test := range map[string]struct {
		steps []step
		want  string // part of the reason; empty: no conflict
	}{
		"nothing is known":             {[]step{{}}, ""},
		"we, as text and as bytes":     {[]step{{boot: ourBoot, addr: "192.0.2.1"}, {boot: raw, addr: "192.0.2.1"}}, ""},
		"our previous boot":            {[]step{{boot: olderBoot, addr: "192.0.2.1"}}, ""},
		"told again after a reconnect": {[]step{{boot: olderBoot, addr: "192.0.2.1"}, {boot: olderBoot, addr: "192.0.2.1", backlog: true}}, ""},
		"and again and again":          {[]step{{boot: foreignBoot, addr: "192.0.2.1"}, {boot: foreignBoot, addr: "192.0.2.1"}, {boot: foreignBoot, addr: "192.0.2.1", wait: time.Hour}}, ""},
		"then we":                      {[]step{{boot: olderBoot}, {boot: ourBoot}}, ""},
		"a foreign one after us":       {[]step{{boot: ourBoot}, {boot: foreignBoot}}, "boot ID 11111111"},
		"its address is named":         {[]step{{boot: ourBoot}, {boot: foreignBoot, addr: "192.0.2.66"}}, "at 192.0.2.66 reports"},
		"its newest address is named":  {[]step{{boot: ourBoot}, {boot: foreignBoot}, {boot: foreignBoot, addr: "192.0.2.66"}, {boot: foreignBoot, addr: "192.0.2.67"}}, "at 192.0.2.67 reports"},
		"it has no address":            {[]step{{boot: ourBoot}, {boot: foreignBoot}}, "at no address reports"},
		"its address is nonsense":      {[]step{{boot: ourBoot}, {boot: foreignBoot, addr: "x\ny"}}, `at "x\ny" reports`},
		"a foreign one after none":     {[]step{{addr: "192.0.2.1"}, {boot: foreignBoot, addr: "192.0.2.1"}}, "boot ID 11111111"},
		"a foreign one moves":          {[]step{{boot: foreignBoot, addr: "192.0.2.66"}, {boot: foreignBoot, addr: "192.0.2.67"}}, "at 192.0.2.67"},
		"after a restart of ours":      {[]step{{boot: foreignBoot}, {boot: ourBoot}, {boot: foreignBoot}}, "boot ID 11111111"},
		"another leader has old data":  {[]step{{boot: ourBoot}, {boot: olderBoot, backlog: true}}, ""},
		"and then another one reports": {[]step{{boot: ourBoot}, {boot: olderBoot, backlog: true}, {boot: foreignBoot}}, "boot ID 11111111"},
		"it goes on after a reconnect": {[]step{{boot: ourBoot}, {boot: foreignBoot}, {boot: foreignBoot, backlog: true, wait: time.Hour}}, "boot ID 11111111"},
		"the address moves":            {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.2"}, {addr: "192.0.2.3"}}, ""},
		"and once back":                {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.2"}, {addr: "192.0.2.1"}}, ""},
		"the address alternates":       {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.66"}, {addr: "192.0.2.1"}, {addr: "192.0.2.66"}}, "alternates between 192.0.2.1 and 192.0.2.66"},
		"with our own boot ID": {[]step{
			{boot: ourBoot, addr: "192.0.2.1"},
			{boot: ourBoot, addr: "192.0.2.66"},
			{boot: ourBoot, addr: "192.0.2.1"},
			{boot: ourBoot, addr: "192.0.2.66"},
			{boot: ourBoot, addr: "192.0.2.1"},
			{boot: ourBoot, addr: "192.0.2.66"},
		}, ""},
		"between two of ours":         {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.9"}, {addr: "192.0.2.1"}, {addr: "192.0.2.9"}}, ""},
		"between two that never were": {[]step{{addr: "192.0.2.66"}, {addr: "192.0.2.67"}, {addr: "192.0.2.66"}, {addr: "192.0.2.67"}}, ""},
		"slowly":                      {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.66"}, {addr: "192.0.2.1"}, {addr: "192.0.2.66", wait: 2 * turnsFor}}, ""},
		"it ended": {
			[]step{{boot: ourBoot}, {boot: foreignBoot}, {boot: ourBoot}, {boot: ourBoot, wait: duplicateFor}}, "",
		},
		"it ended by a backlog": {
			[]step{{boot: ourBoot}, {boot: foreignBoot}, {boot: ourBoot, backlog: true}, {boot: ourBoot, wait: duplicateFor}}, "",
		},
		"it has not ended": {
			[]step{{boot: ourBoot}, {boot: foreignBoot}, {boot: foreignBoot, wait: time.Hour}}, "boot ID 11111111",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *Config) { c.BootID = ourBoot })
			f.pass(uptime)
			f.setLocal("192.0.2.9")
			f.setLocal("192.0.2.1")
			f.connect()
			for _, s := range test.steps {
				f.pass(s.wait)
				e := Entry{ID: self, BootID: s.boot}
				if s.addr != "" {
					e = node(self, s.addr)
					e.BootID = s.boot
				}
				if s.backlog {
					f.curator.SetConnected(false)
					f.connect(e)
				} else {
					f.curator.Set(e)
				}
				f.endDuplicate()
			}
			conflict, found := f.Snapshot().DuplicateKey()
			if found != (test.want != "") || !strings.Contains(conflict.Reason, test.want) {
				t.Errorf("conflict %+v, want one with %q", conflict, test.want)
			}
			f.want(self, "192.0.2.1")
		})
	}
}

// What was saved, and what another cluster had, is no sign.
func TestDuplicateKeyEndsWithTheCluster(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.BootID = ourBoot })
	f.Saved().Set(Entry{ID: self, BootID: foreignBoot})
	f.curator.SetCluster("one")
	f.connect(Entry{ID: self, BootID: ourBoot}, Entry{ID: self, BootID: foreignBoot})
	if _, found := f.Snapshot().DuplicateKey(); !found {
		t.Fatal("no conflict")
	}
	f.curator.SetCluster("another")
	if _, found := f.Snapshot().DuplicateKey(); found {
		t.Error("the conflict outlives its cluster")
	}
}

// Of the addresses that were ours, the latest are remembered.
func TestAddressesThatWereOurs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.1")
	for n := range maxPast + 4 {
		f.setLocal(fmt.Sprintf("198.51.100.%d", n+1))
		if n == maxPast/2 {
			f.setLocal("192.0.2.1") // once more
		}
	}
	if !f.wasOurs(placeAt(netip.MustParseAddr("192.0.2.1"))) || len(f.detector.past) > maxPast {
		t.Errorf("remembered are %v", f.detector.past)
	}
}

// What a report has for an address or a boot ID may be a part of something huge.
func TestReportsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.BootID = ourBoot })
	huge := strings.Repeat("x", 1<<20)
	f.connect(Entry{ID: self, BootID: ourBoot})
	f.curator.Set(Entry{ID: self, BootID: huge, Malformed: huge, Addresses: testkit.Addrs("fe80::1%"+huge, "fe80::2%"+huge, "fe80::3%"+huge)})
	conflict, found := f.Snapshot().DuplicateKey()
	if !found || len(conflict.Reason) > 1000 || len(f.curator.self.last.boot)+len(f.curator.self.last.at.String()) > 1000 {
		t.Errorf("found %v, a reason of %d octets, and %d and %d are kept", found, len(conflict.Reason), len(f.curator.self.last.boot), len(f.curator.self.last.at.String()))
	}
}

// A source that does not report us does not affect what was there before.
func TestDuplicateKeyDespiteBacklogsOfOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.BootID = ourBoot })
	other := f.Source("other")
	f.connect(Entry{ID: self, BootID: ourBoot})
	other.Begin()
	other.Set(node(a, "192.0.2.1"))
	other.Complete()
	f.curator.Set(Entry{ID: self, BootID: foreignBoot})
	if _, found := f.Snapshot().DuplicateKey(); !found {
		t.Error("no conflict")
	}
}
