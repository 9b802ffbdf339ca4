package nodetls

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/nodedns/nodedns/internal/osfile"
)

// maxFileSize bounds what is read of a file, far above any certificate.
const maxFileSize = 64 << 10

var fileNames = []string{CAFile, CertFile, KeyFile}

// readFiles returns the contents of the three files by name.
func readFiles(dir string) (map[string][]byte, error) {
	files := make(map[string][]byte, len(fileNames))
	var absent []string
	for _, name := range fileNames {
		data, err := osfile.Read(filepath.Join(dir, name), maxFileSize)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			absent = append(absent, name)
		case err != nil:
			return nil, &LoadError{
				FaultUnreadable, filepath.Join(dir, name),
				fmt.Errorf("%w: make it a file that this service's user can read", osfile.Cause(err)),
			}
		default:
			files[name] = data
		}
	}
	if len(absent) > 0 {
		return nil, missing(dir, absent)
	}
	return files, nil
}

func parseCA(data []byte) (*x509.Certificate, error) {
	ca, err := parseCertificate(data)
	if err != nil {
		return nil, err
	}
	if _, ok := ca.PublicKey.(ed25519.PublicKey); !ok {
		return nil, fmt.Errorf("the CA's key is a %T, and a cluster's is ed25519", ca.PublicKey)
	}
	return ca, nil
}

func parseCertificate(data []byte) (*x509.Certificate, error) {
	der, err := decode(data, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func parseKey(data []byte) (ed25519.PrivateKey, error) {
	der, err := decode(data, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is a %T, and a node's is ed25519", parsed)
	}
	return key, nil
}

// decode returns the DER of a file in either form. In PEM there must be one
// block: of several it would be a guess which one is meant.
func decode(data []byte, blockType string) ([]byte, error) {
	if len(data) == 0 {
		return nil, errors.New("the file is empty")
	}
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		return data, nil
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("the PEM block is damaged or cut off")
	case block.Type != blockType:
		return nil, fmt.Errorf("the PEM block is a %.40q, want a %q", block.Type, blockType)
	case bytes.Contains(rest, []byte("-----BEGIN")):
		return nil, fmt.Errorf("more than one PEM block, want one %q", blockType)
	}
	return block.Bytes, nil
}
