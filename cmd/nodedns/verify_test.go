package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/verify"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	o := m.command("verify")
	o.expect(t, exitOK, "hosts file", "")
	for _, result := range []string{"differs", "failed"} {
		if strings.Contains(o.stdout, result) {
			t.Errorf("a healthy machine:\n%s", o.stdout)
		}
	}
	if err := os.WriteFile(m.path("root/etc/machine-id"), []byte("another"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.command("verify").expect(t, exitFailed, `"another"`, "nodedns: 1 of ")
	var report verify.Report
	o = m.command("verify", "--json", "--all")
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil || report.Equal || o.code != exitFailed {
		t.Errorf("exit status %d, %v, %+v", o.code, err, report)
	}
}

func TestVerifyWithoutDaemon(t *testing.T) {
	t.Parallel()
	newMachine(t).command("verify").expect(t, exitFailed, "", "no nodedns daemon answers")
}

func TestPrintReport(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := printReport(&out, verify.Report{
		NodeID: nodeID, Serial: 7, Nodes: 5, Asked: 5,
		Checks: []verify.Check{
			{Name: "zone", Result: verify.Equal, Detail: "5 nodes, serial 7"},
			{
				Name: "dns 127.0.0.53:53 udp", Result: verify.Differs, Detail: "5 nodes asked for", Count: 12,
				Differences: []verify.Difference{{Name: nodeID + " A", Want: "192.0.2.10", Got: "NXDOMAIN"}, {Name: "192.0.2.10 PTR", Want: nodeID}},
			},
			{Name: "varlink", Result: verify.Off, Detail: "varlink.socket is empty"},
			{Name: "hostname", Result: verify.Differs, Detail: "/proc/sys/kernel/hostname", Count: 1, Differences: []verify.Difference{{Name: "/proc/sys/kernel/hostname", Want: nodeID, Got: "other"}}},
			{Name: "hosts file", Result: verify.Failed, Detail: "open /etc/hosts: permission denied"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "verify", out.String())
}
