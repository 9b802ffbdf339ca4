package main

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

// Each reload takes what it can, and says what it cannot.
func TestReload(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var log logbook
	d := m.daemon(&log)
	d.service.Zone().SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.10")})
	ttl := func() uint32 {
		t.Helper()
		answer, err := d.service.Resolver().Query(t.Context(), nodeID+".nodes.example", "A")
		if err != nil || len(answer.Records) == 0 {
			return 0
		}
		return answer.Records[0].TTL
	}
	const domain = "zone.domains = [\"nodes.example\"]\n"
	steps := []struct {
		name, lines string
		ttl         uint32
		fine        bool // as the metrics have it
		says        []string
		never       string
	}{
		{
			"good", domain + `zone.ttl = "77s"`, 77, true,
			[]string{`msg="configuration reloaded" changed="[zone.domains zone.ttl]"`},
			"restart",
		},
		{
			"nothing new", domain + `zone.ttl = "77s"`, 77, true,
			[]string{`changed=[]`},
			"restart",
		},
		{
			"wrong", domain + "zone.ttl = \"88s\"\nzone.colour = 1\nzone.shape = 2\n", 77, false,
			[]string{"nodedns.toml:11: zone.colour", "nodedns.toml:12: zone.shape", "the running one stays"},
			"msg=\"configuration reloaded",
		},
		{
			"not for this machine", domain + "zone.ttl = \"88s\"\ncurator.insecure = true\ncurator.endpoints = [\"127.0.0.1:1\", \"192.0.2.1:1\"]\n", 77, false,
			[]string{"curator.insecure"},
			"msg=\"configuration reloaded",
		},
		{
			"in part", domain + "zone.ttl = \"99s\"\nfiles.hostname = false\n", 99, true,
			[]string{`changed=[zone.ttl]`, "level=WARN", "keys=[files.hostname]"},
			"level=ERROR",
		},
		{
			"in part, once more", domain + "zone.ttl = \"99s\"\nfiles.hostname = false\nlog.level = \"warn\"\n", 99, true,
			[]string{"keys=[files.hostname]"},
			"msg=\"configuration reloaded",
		},
		{
			"back", "log.level = \"info\"", 0, true,
			[]string{`changed="[zone.domains zone.ttl log.level]"`},
			"restart",
		},
	}
	for _, step := range steps {
		before, loaded := len(log.String()), d.loads.Load().at
		m.configure(step.lines)
		d.reload()
		said := log.String()[before:]
		for _, text := range step.says {
			if !strings.Contains(said, text) {
				t.Errorf("%s: the log lacks %q:\n%s", step.name, text, said)
			}
		}
		if strings.Contains(said, step.never) {
			t.Errorf("%s: the log has %q:\n%s", step.name, step.never, said)
		}
		if got := ttl(); got != step.ttl {
			t.Errorf("%s: the TTL is %d, want %d", step.name, got, step.ttl)
		}
		if got := d.loads.Load(); got.fine != step.fine || got.at.After(loaded) != step.fine {
			t.Errorf("%s: it was loaded at %v, fine %v, want %v, before %v", step.name, got.at, got.fine, step.fine, loaded)
		}
	}
}

// The mode is that of a file which only a restart turns on, or moves.
func TestReloadOfAnotherResolvConf(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.options = append(m.options, "--dns.listen", "127.0.0.53:53")
	m.configure(`files.resolv_conf = ""`)
	var log logbook
	d := m.daemon(&log)
	m.configure("zone.ttl = \"99s\"\nfiles.resolv_conf_mode = \"stub\"")
	d.reload()
	said := log.String()
	for _, text := range []string{"changed=[zone.ttl]", "keys=[files.resolv_conf]"} {
		if !strings.Contains(said, text) {
			t.Errorf("the log lacks %q:\n%s", text, said)
		}
	}
	if strings.Contains(said, "level=ERROR") {
		t.Errorf("the rest was refused as well:\n%s", said)
	}
}

// A file that is gone is no reason to lose the configuration.
func TestReloadWithoutFile(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	var log logbook
	d := m.daemon(&log)
	if err := os.Remove(m.path("nodedns.toml")); err != nil {
		t.Fatal(err)
	}
	d.reload()
	if said := log.String(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, "nodedns.toml") {
		t.Errorf("the log does not name the file:\n%s", said)
	}
}
