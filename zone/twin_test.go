package zone

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	ourBoot     = "98163c45-6f50-465b-81be-801536fa29f8"
	foreignBoot = "11111111-2222-3333-4444-555555555555"
	olderBoot   = "00000000-2222-3333-4444-555555555555"
)

func TestConflict(t *testing.T) {
	t.Parallel()
	const uptime = 3 * time.Hour
	type step struct {
		boot, addr string
		ago        time.Duration // of the report; 0: not told
		wait       time.Duration // before it
	}
	raw := canonicalBoot(ourBoot)
	for name, test := range map[string]struct {
		steps []step
		want  string // part of the reason; empty: no conflict
	}{
		"nothing is known":             {[]step{{}}, ""},
		"we, as text and as bytes":     {[]step{{boot: ourBoot, addr: "192.0.2.1"}, {boot: raw, addr: "192.0.2.1"}}, ""},
		"our previous boot":            {[]step{{boot: olderBoot, addr: "192.0.2.1"}}, ""},
		"our previous boot, by time":   {[]step{{boot: olderBoot, addr: "192.0.2.1", ago: uptime + time.Hour}}, ""},
		"told again after a reconnect": {[]step{{boot: olderBoot, addr: "192.0.2.1"}, {boot: olderBoot, addr: "192.0.2.1"}}, ""},
		"then we":                      {[]step{{boot: olderBoot}, {boot: ourBoot}}, ""},
		"a foreign one after us":       {[]step{{boot: ourBoot}, {boot: foreignBoot}}, "boot ID 11111111"},
		"a foreign one after none":     {[]step{{addr: "192.0.2.1"}, {boot: foreignBoot, addr: "192.0.2.1"}}, "boot ID 11111111"},
		"a foreign one lives":          {[]step{{boot: foreignBoot, ago: uptime + time.Hour}, {boot: foreignBoot, ago: uptime + time.Minute}}, "boot ID 11111111"},
		"reported since our boot":      {[]step{{boot: foreignBoot, ago: time.Hour}}, "boot ID 11111111"},
		"reported in our future":       {[]step{{boot: foreignBoot, ago: -24 * time.Hour}}, ""},
		"the address moves":            {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.2"}, {addr: "192.0.2.3"}}, ""},
		"and once back":                {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.2"}, {addr: "192.0.2.1"}}, ""},
		"the address alternates":       {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.66"}, {addr: "192.0.2.1"}, {addr: "192.0.2.66"}}, "alternates between"},
		"between two of ours":          {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.9"}, {addr: "192.0.2.1"}, {addr: "192.0.2.9"}}, ""},
		"between two that never were":  {[]step{{addr: "192.0.2.66"}, {addr: "192.0.2.67"}, {addr: "192.0.2.66"}, {addr: "192.0.2.67"}}, ""},
		"slowly":                       {[]step{{addr: "192.0.2.1"}, {addr: "192.0.2.66"}, {addr: "192.0.2.1"}, {addr: "192.0.2.66", wait: 2 * turnsFor}}, ""},
		"it ended": {
			[]step{{boot: ourBoot}, {boot: foreignBoot}, {boot: ourBoot}, {boot: ourBoot, wait: twinFor}}, "",
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
			start := f.wall
			for _, s := range test.steps {
				f.pass(s.wait)
				e := Entry{ID: self, BootID: s.boot}
				if s.addr != "" {
					e.Addresses = []string{s.addr}
				}
				if s.ago != 0 {
					e.Reported = start.Add(-s.ago)
				}
				f.curator.Set(e)
				f.endConflict()
			}
			conflict, found := f.Snapshot().Conflict()
			if found != (test.want != "") || !strings.Contains(conflict.Reason, test.want) {
				t.Errorf("conflict %+v, want one with %q", conflict, test.want)
			}
			f.want(self, "192.0.2.1")
		})
	}
}

// What was saved, and what another cluster had, is no sign.
func TestConflictEndsWithTheCluster(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config) { c.BootID = ourBoot })
	f.Saved().Set(Entry{ID: self, BootID: foreignBoot})
	f.curator.SetCluster("one")
	f.connect(Entry{ID: self, BootID: ourBoot}, Entry{ID: self, BootID: foreignBoot})
	if _, found := f.Snapshot().Conflict(); !found {
		t.Fatal("no conflict")
	}
	f.curator.SetCluster("another")
	if _, found := f.Snapshot().Conflict(); found {
		t.Error("the conflict outlives its cluster")
	}
}

// Of the addresses that were ours, those are remembered that were so last.
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
	if !f.wasOurs("192.0.2.1") || len(f.twin.past) > maxPast {
		t.Errorf("remembered are %v", f.twin.past)
	}
}
