package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/zone"
)

// identify returns the node ID that the configuration gives this machine. Every
// error is one of the configuration: a key is never created implicitly, since
// it would give the machine a name that no other node knows.
func identify(cfg config.Config) (zone.ID, error) {
	if cfg.NodeID != "" {
		return cfg.NodeID, nil
	}
	if cfg.KeyFile == "" {
		return "", &usageError{errors.New("this machine has no identity: name its key's file in identity.public_key, or set identity.node_id")}
	}
	pub, err := readPublicKey(cfg.KeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &usageError{fmt.Errorf(
			"this machine has no identity: %s does not exist; make a key by `nodedns init`, put the node's own there, or set identity.node_id",
			cfg.KeyFile)}
	}
	if err != nil {
		return "", &usageError{fmt.Errorf("read this machine's identity: %s: %w", cfg.KeyFile, err)}
	}
	return cfg.Prefix.FromPublicKey(pub), nil
}

// maxKeyFile is far above the size of any key or certificate, in bytes.
const maxKeyFile = 64 << 10

// readPublicKey reads a key in any of its forms. The errors lack the path.
func readPublicKey(path string) (ed25519.PublicKey, error) {
	data, err := osfile.Read(path, maxKeyFile)
	if err != nil {
		return nil, osfile.Cause(err)
	}
	return zone.ParsePublicKey(data)
}
