package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// A node's key is understood in each form in which nodes have it.
func TestIdentity(t *testing.T) {
	t.Parallel()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	inPEM := func(blockType string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})
	}
	cluster, err := memory.NewCluster(zone.DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	certificate := must(cluster.Issue(pub))
	for name, data := range map[string][]byte{
		"a public key in PEM":   inPEM("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(pub))),
		"a certificate in PEM":  inPEM("CERTIFICATE", certificate),
		"a certificate in DER":  certificate,
		"a private key in PEM":  inPEM("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))),
		"the 32 bytes of a key": pub,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "node.pub")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			id, err := identify(configured(path, ""))
			if want := zone.DefaultPrefix.FromPublicKey(pub); err != nil || id != want {
				t.Errorf("got %s, %v, want %s", id, err, want)
			}
			id, err = identify(configured(path, "chosen"))
			if err != nil || id != "chosen" {
				t.Errorf("got %s, %v, want the chosen name", id, err)
			}
		})
	}
}

func TestNoIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		want       []string
	}{
		{"not configured", "", []string{"identity.public_key", "identity.node_id"}},
		{"not there", filepath.Join(dir, "none.pub"), []string{"none.pub", "nodedns init", "identity.node_id"}},
		{"empty", file("empty.pub", ""), []string{"empty.pub", "ed25519"}},
		{"something else", file("text.pub", "hello\n"), []string{"text.pub", "ed25519"}},
		{"a directory", dir, []string{dir, "not a regular file"}},
		{"a FIFO, which would wait for ever", fifo, []string{fifo, "not a regular file"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := identify(configured(tt.path, ""))
			if !errors.As(err, new(*usageError)) {
				t.Fatalf("got error %v, want one of the configuration", err)
			}
			for _, text := range tt.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("the message lacks %q: %v", text, err)
				}
			}
		})
	}
}

// configured is a configuration of an identity.
func configured(keyFile string, id zone.ID) config.Config {
	prefix := zone.DefaultPrefix
	return config.Config{Config: nodedns.Config{NodeID: id, Prefix: &prefix}, KeyFile: keyFile}
}
