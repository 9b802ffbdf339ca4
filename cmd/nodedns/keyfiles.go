package main

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
)

// privateKeyName is the private key's file, beside that of the public key.
const privateKeyName = "node.key"

// keyFiles are where a key pair is kept, in one directory.
type keyFiles struct{ private, public string }

// create makes a key pair. Without force it overwrites nothing, and completes
// a pair whose private key was written before something went wrong.
func (k keyFiles) create(force bool) (ed25519.PublicKey, error) {
	if force {
		return k.createNew()
	}
	if exists, err := exists(k.public); err != nil {
		return nil, err
	} else if exists {
		return nil, fmt.Errorf("make a key: %s is there already; use --force to replace it, which gives this node another name", k.public)
	}
	halfMade, err := exists(k.private)
	if err != nil {
		return nil, err
	}
	if !halfMade {
		return k.createNew()
	}
	pub, err := readPublicKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("make the public key of %s, which is there already: %w; use --force to replace it", k.private, err)
	}
	return pub, k.writePublic(pub)
}

// createNew writes the private key first, since a public key without one is
// of no use.
func (k keyFiles) createNew() (ed25519.PublicKey, error) {
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("encode the private key: %w", err)
	}
	// The directory is open, as the service's own state directory need not be:
	// the private key is protected by its own mode.
	if err := os.MkdirAll(filepath.Dir(k.private), 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of the keys: %w", err)
	}
	if err := writePEM(k.private, "PRIVATE KEY", der, 0o600); err != nil {
		return nil, err
	}
	return pub, k.writePublic(pub)
}

func (k keyFiles) writePublic(pub ed25519.PublicKey) error {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return fmt.Errorf("encode the public key: %w", err)
	}
	return writePEM(k.public, "PUBLIC KEY", der, 0o644)
}

// writePEM replaces a file by one with this mode, whatever the umask and the
// mode of the old one.
func writePEM(path, blockType string, der []byte, mode fs.FileMode) error {
	f, err := renameio.NewPendingFile(path,
		renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(mode), renameio.IgnoreUmask())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, osfile.Cause(err))
	}
	defer f.Cleanup()
	if err := pem.Encode(f, &pem.Block{Type: blockType, Bytes: der}); err != nil {
		return fmt.Errorf("write %s: %w", path, osfile.Cause(err))
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, osfile.Cause(err))
	}
	return nil
}

// exists reports whether there is anything at a path, a dangling symlink
// included.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
