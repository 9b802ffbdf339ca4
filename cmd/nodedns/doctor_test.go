package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/doctor"
)

// diagnose runs doctor on a machine whose files are in a directory. What it finds
// of the machine that the test runs on is left out.
func diagnose(t *testing.T, m *testMachine) (map[string]doctor.Finding, outcome) {
	t.Helper()
	o := m.command("doctor", "--json")
	var d diagnosis
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil || d.Checks == 0 {
		t.Fatalf("%v: %s", err, o.stdout)
	}
	found := map[string]doctor.Finding{}
	for _, f := range d.Findings {
		found[f.Check] = f
	}
	return found, o
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	found, o := diagnose(t, m)
	if found["daemon"].Severity != doctor.Problem || o.code != exitFailed || !strings.Contains(o.stderr, "found") {
		t.Errorf("without a daemon: found %+v, exit status %d, %s", found, o.code, o.stderr)
	}
	m.write("root/etc/nsswitch.conf", "hosts: files\n")
	m.start()
	found, _ = diagnose(t, m)
	if _, dead := found["daemon"]; dead || found["nsswitch"].Severity != doctor.Problem {
		t.Errorf("with a daemon: found %+v", found)
	}
	m.configure("zone.colour = 1\n")
	found, _ = diagnose(t, m)
	if f := found["configuration"]; f.Severity != doctor.Problem || !strings.Contains(f.Text, "zone.colour") {
		t.Errorf("with a wrong configuration: found %+v", found)
	}
}

func TestDoctorList(t *testing.T) {
	t.Parallel()
	command(t, "doctor", "--list").expect(t, exitOK, "nsswitch ", "")
	command(t, "doctor", "--list", "--json").expect(t, exitOK, `"id": "nsswitch"`, "")
}

func TestPrintFindings(t *testing.T) {
	t.Parallel()
	for name, findings := range map[string][]doctor.Finding{
		"doctor_found": {
			{
				Check: "port", Severity: doctor.Problem,
				Text:   "systemd-resolved, systemd-resolve (pid 512) has 127.0.0.53:53 (udp)",
				Impact: "nodedns cannot answer there, and does not start for it",
				Fix:    "set DNSStubListener=no in /etc/systemd/resolved.conf and restart it, or set another address in dns.listen",
			},
			{
				Check: "resolv-conf", Severity: doctor.Problem, Text: "/etc/resolv.conf names 127.0.0.53, and no server answers there",
				Impact: "no name is resolved", Fix: "start the daemon", After: []string{"port", "daemon"},
			},
			{Check: "nscd", Severity: doctor.Warning, Text: "nscd (pid 420) runs", Impact: "it keeps addresses", Fix: "restart it"},
			{Check: "unseen", Severity: doctor.Note, Text: "could not look at " + strings.Repeat("x", 100), Impact: "it may hide a cause", Fix: "run this command as root"},
		},
		"doctor_nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := printFindings(&out, findings); err != nil {
				t.Fatal(err)
			}
			golden(t, name, out.String())
		})
	}
}
