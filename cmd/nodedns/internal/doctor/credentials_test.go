package doctor

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		valid    time.Duration // from now on
		alter    func(t *testing.T, dir string, m *Input)
		severity Severity
		says     string
	}{
		{"valid", 100 * 24 * time.Hour, nil, "", ""},
		{"expiring", 48 * time.Hour, nil, Warning, "expires on 2026-03-03"},
		{"expired", -time.Hour, nil, Warning, "has expired"},
		{"not valid yet", time.Hour, func(_ *testing.T, _ string, m *Input) { m.Now = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) }, Warning, "is valid from 2000-01-01"},
		{"of another node", time.Hour, func(_ *testing.T, _ string, m *Input) { m.ID = peer }, Problem, "belongs to"},
		{"absent", time.Hour, func(t *testing.T, dir string, _ *Input) {
			if err := os.Remove(filepath.Join(dir, nodetls.CAFile)); err != nil {
				t.Fatal(err)
			}
		}, Note, nodetls.CAFile},
		{"not used", time.Hour, func(_ *testing.T, _ string, m *Input) { m.Config.Endpoints = nil }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, dir := enrolled(t, tt.valid)
			if tt.alter != nil {
				tt.alter(t, dir, m)
			}
			findings := checkCredentials(m)
			if tt.severity == "" && len(findings) > 0 || tt.severity != "" && len(findings) != 1 {
				t.Fatalf("found %+v", findings)
			}
			if tt.severity != "" && (findings[0].Severity != tt.severity || !strings.Contains(findings[0].Text, tt.says)) {
				t.Errorf("found %+v, want a %s with %q", findings[0], tt.severity, tt.says)
			}
		})
	}
}

// enrolled is a machine whose certificate is valid for so long.
func enrolled(t *testing.T, valid time.Duration) (m *Input, dir string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := memory.NewCluster(zone.DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := cluster.WriteCredentials(dir, pub, key); err != nil {
		t.Fatal(err)
	}
	m = healthy(t).Input
	m.ID = zone.DefaultPrefix.FromPublicKey(pub)
	m.Config.Endpoints, m.Config.Credentials = []curator.Endpoint{{}}, dir
	der, err := cluster.Issue(pub, func(c *x509.Certificate) { c.NotAfter = m.Now.Add(valid) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, nodetls.CertFile), der, 0o644); err != nil {
		t.Fatal(err)
	}
	return m, dir
}
