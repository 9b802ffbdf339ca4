package nodetls_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// set is the content of a credentials directory by file name.
type set map[string][]byte

func (a *authority) set(t *testing.T, key ed25519.PrivateKey) set {
	t.Helper()
	return set{
		nodetls.CAFile:   inPEM("CERTIFICATE", a.cert.Raw),
		nodetls.CertFile: inPEM("CERTIFICATE", a.issue(t, key.Public(), nil)),
		nodetls.KeyFile:  inPEM("PRIVATE KEY", pkcs8(t, key)),
	}
}

func (s set) with(name string, data []byte) set {
	changed := set{name: data}
	for n, d := range s {
		if n != name {
			changed[n] = d
		}
	}
	return changed
}

func (s set) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range s {
		if data == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func inPEM(blockType string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestLoad(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, newKey(t)), newAuthority(t, newKey(t))
	key := newKey(t)
	id := zone.DefaultPrefix.FromPublicKey(key.Public().(ed25519.PublicKey))
	good := ca.set(t, key)
	der := set{
		nodetls.CAFile:   ca.cert.Raw,
		nodetls.CertFile: ca.issue(t, key.Public(), nil),
		nodetls.KeyFile:  pkcs8(t, key),
	}
	clientOnly := ca.issue(t, key.Public(), func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	})

	for name, test := range map[string]struct {
		files set
		fault nodetls.Fault // "" means good
		path  string        // file at fault, "" for the directory
		says  string        // part of the message
	}{
		"PEM":        {files: good},
		"DER":        {files: der},
		"empty":      {set{}, nodetls.FaultAbsent, "", "no ca.crt, node.crt, node.key"},
		"no key":     {good.with(nodetls.KeyFile, nil), nodetls.FaultIncomplete, "", "no node.key:"},
		"CA only":    {set{nodetls.CAFile: good[nodetls.CAFile]}, nodetls.FaultIncomplete, "", "no node.crt, node.key"},
		"empty file": {good.with(nodetls.CertFile, []byte{}), nodetls.FaultInvalid, nodetls.CertFile, "empty"},
		"half a PEM file": {
			good.with(nodetls.CertFile, good[nodetls.CertFile][:100]),
			nodetls.FaultInvalid, nodetls.CertFile, "cut off",
		},
		"half a DER file": {
			der.with(nodetls.KeyFile, der[nodetls.KeyFile][:20]),
			nodetls.FaultInvalid, nodetls.KeyFile, "put the whole file there again",
		},
		"bundle of CAs": {
			good.with(nodetls.CAFile, append(inPEM("CERTIFICATE", other.cert.Raw), good[nodetls.CAFile]...)),
			nodetls.FaultInvalid, nodetls.CAFile, "more than one",
		},
		"files exchanged": {
			good.with(nodetls.KeyFile, good[nodetls.CertFile]),
			nodetls.FaultInvalid, nodetls.KeyFile, `want a "PRIVATE KEY"`,
		},
		"ECDSA CA": {
			good.with(nodetls.CAFile, newAuthority(t, newECDSAKey(t)).cert.Raw),
			nodetls.FaultInvalid, nodetls.CAFile, "ed25519",
		},
		"ECDSA key": {
			good.with(nodetls.KeyFile, pkcs8(t, newECDSAKey(t))),
			nodetls.FaultInvalid, nodetls.KeyFile, "ed25519",
		},
		"another key": {
			good.with(nodetls.KeyFile, pkcs8(t, newKey(t))),
			nodetls.FaultKey, nodetls.KeyFile, "not the key of node.crt",
		},
		"another CA": {
			good.with(nodetls.CAFile, other.cert.Raw),
			nodetls.FaultForeignCA, nodetls.CertFile, "of the same cluster",
		},
		"a certificate that no curator accepts": {
			good.with(nodetls.CertFile, clientOnly),
			nodetls.FaultInvalid, nodetls.CertFile, "ServerAuth",
		},
		"another node":  {ca.set(t, newKey(t)), nodetls.FaultOtherNode, nodetls.CertFile, string(id)},
		"far too large": {good.with(nodetls.CAFile, make([]byte, 1<<20)), nodetls.FaultUnreadable, nodetls.CAFile, "larger than the limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := test.files.write(t)
			got, err := nodetls.Load(dir, zone.DefaultPrefix, id)
			if test.fault == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got.ID != id {
					t.Errorf("ID = %s, want %s", got.ID, id)
				}
				return
			}
			checkFault(t, err, test.fault, filepath.Join(dir, test.path), test.says)
		})
	}
}

func checkFault(t *testing.T, err error, fault nodetls.Fault, path, says string) {
	t.Helper()
	loadErr, ok := errors.AsType[*nodetls.LoadError](err)
	if !ok {
		t.Fatalf("err = %v, want a LoadError", err)
	}
	if loadErr.Fault != fault || loadErr.Path != path {
		t.Errorf("%s at %s, want %s at %s", loadErr.Fault, loadErr.Path, fault, path)
	}
	for _, part := range []string{path, says} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if waiting := fault == nodetls.FaultAbsent || fault == nodetls.FaultIncomplete; loadErr.Waiting() != waiting {
		t.Errorf("Waiting() = %v", loadErr.Waiting())
	}
}

func TestLoadFromNowhere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there")
	_, err := nodetls.Load(dir, zone.DefaultPrefix, "")
	checkFault(t, err, nodetls.FaultAbsent, dir, "as soon as they are there")
}

// Things that are not files neither block nor crash, for root too.
func TestLoadUnreadable(t *testing.T) {
	t.Parallel()
	good := newAuthority(t, newKey(t)).set(t, newKey(t))
	for name, replace := range map[string]func(path string) error{
		"a directory":    func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":         func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a symlink loop": func(path string) error { return os.Symlink(path, path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := good.with(nodetls.KeyFile, nil).write(t)
			path := filepath.Join(dir, nodetls.KeyFile)
			if err := replace(path); err != nil {
				t.Fatal(err)
			}
			_, err := nodetls.Load(dir, zone.DefaultPrefix, "")
			checkFault(t, err, nodetls.FaultUnreadable, path, "can read")
		})
	}
}

func TestLoadForbidden(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		// Root may read everything; the cases above cover this one.
		return
	}
	dir := newAuthority(t, newKey(t)).set(t, newKey(t)).write(t)
	path := filepath.Join(dir, nodetls.KeyFile)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := nodetls.Load(dir, zone.DefaultPrefix, "")
	checkFault(t, err, nodetls.FaultUnreadable, path, "permission denied")
}

func TestClusterIDAndEqual(t *testing.T) {
	t.Parallel()
	caKey, nodeKey := newKey(t), newKey(t)
	load := func(a *authority, key ed25519.PrivateKey) *nodetls.Credentials {
		c, err := nodetls.Load(a.set(t, key).write(t), zone.DefaultPrefix, "")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ca := newAuthority(t, caKey)
	first := load(ca, nodeKey)
	sum := sha256.Sum256(ca.cert.RawSubjectPublicKeyInfo)
	if want := hex.EncodeToString(sum[:]); first.ClusterID() != want {
		t.Errorf("cluster ID %s, want %s", first.ClusterID(), want)
	}
	if other := load(newAuthority(t, caKey), nodeKey); other.ClusterID() != first.ClusterID() {
		t.Error("a renewed CA certificate with the same key changes the cluster ID")
	}
	if other := load(newAuthority(t, newKey(t)), nodeKey); other.ClusterID() == first.ClusterID() || other.Equal(first) {
		t.Error("two clusters are not told apart")
	}
	if !first.Equal(first) || load(ca, newKey(t)).Equal(first) || first.Equal(nil) {
		t.Error("Equal is wrong")
	}
}
