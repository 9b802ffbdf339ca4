package memory

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// caKeyFile lies beside the authority's certificate in a cluster's directory.
const caKeyFile = "ca.key"

// maxPEM is far above the size of any key or certificate, in bytes.
const maxPEM = 64 << 10

// OpenCluster returns the cluster whose authority is kept in dir, so that a
// curator which is started again serves the same cluster. The first call makes
// it.
func OpenCluster(dir string, prefix zone.Prefix) (*Cluster, error) {
	ca, err := readPEM(filepath.Join(dir, nodetls.CAFile))
	if errors.Is(err, fs.ErrNotExist) {
		return createCluster(dir, prefix)
	}
	if err != nil {
		return nil, err
	}
	key, err := readKey(filepath.Join(dir, caKeyFile))
	if err != nil {
		return nil, err
	}
	return newCluster(prefix, ca, key)
}

// OpenKey returns the private key that is kept in a file, so that a curator which
// is started again is the same node. The first call makes it.
func OpenKey(path string) (ed25519.PrivateKey, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if _, key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return nil, fmt.Errorf("making the key %s: %w", path, err)
	}
	return key, writeKey(path, key)
}

func readKey(path string) (ed25519.PrivateKey, error) {
	der, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading the key %s: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("reading the key %s: it is a %T, want ed25519", path, key)
	}
	return private, nil
}

func createCluster(dir string, prefix zone.Prefix) (*Cluster, error) {
	c, err := NewCluster(prefix)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of a cluster: %w", err)
	}
	return c, errors.Join(writeKey(filepath.Join(dir, caKeyFile), c.key), c.writeCA(dir))
}

// WriteCredentials writes ca.crt and node.crt of the node that owns pub into
// dir, and its key too unless that is nil. A directory that is missing is made.
func (c *Cluster) WriteCredentials(dir string, pub ed25519.PublicKey, key ed25519.PrivateKey) error {
	der, err := c.Issue(pub)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the credentials directory: %w", err)
	}
	if key != nil {
		if err := writeKey(filepath.Join(dir, nodetls.KeyFile), key); err != nil {
			return err
		}
	}
	return errors.Join(
		c.writeCA(dir),
		writePEM(filepath.Join(dir, nodetls.CertFile), "CERTIFICATE", der, 0o644))
}

func (c *Cluster) writeCA(dir string) error {
	return writePEM(filepath.Join(dir, nodetls.CAFile), "CERTIFICATE", c.ca.Raw, 0o644)
}

func writeKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key for %s: %w", path, err)
	}
	return writePEM(path, "PRIVATE KEY", der, 0o600)
}

func writePEM(path, blockType string, der []byte, mode fs.FileMode) error {
	text := pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})
	if err := renameio.WriteFile(path, text, mode); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func readPEM(path string) ([]byte, error) {
	text, err := osfile.Read(path, maxPEM)
	if err != nil {
		return nil, fmt.Errorf("reading a key or certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("reading a key or certificate: %s holds no PEM block", path)
	}
	return block.Bytes, nil
}
