package zone

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// ErrNoPublicKey means that a file holds nothing a node ID can be made from.
var ErrNoPublicKey = errors.New("no ed25519 key found: want a PEM public key, a PEM or DER certificate, a PEM private key, or the 32 raw bytes of the public key")

// ParsePublicKey reads the ed25519 public key out of any of the forms that a
// node may have it in: a PEM public key, a PEM or DER certificate, a PEM
// private key (PKCS #8), or the key's 32 raw bytes. The first usable PEM block
// counts.
func ParsePublicKey(data []byte) (ed25519.PublicKey, error) {
	if len(data) == ed25519.PublicKeySize {
		return bytes.Clone(data), nil
	}
	if cert, err := x509.ParseCertificate(data); err == nil {
		return asEd25519(cert.PublicKey)
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		parse, known := pemParsers[block.Type]
		if !known {
			continue
		}
		pub, err := parse(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("PEM block %q: %w", block.Type, err)
		}
		return asEd25519(pub)
	}
	return nil, ErrNoPublicKey
}

// pemParsers maps the type of a PEM block to what finds the public key in it.
var pemParsers = map[string]func([]byte) (any, error){
	"PUBLIC KEY": x509.ParsePKIXPublicKey,
	"CERTIFICATE": func(der []byte) (any, error) {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	},
	"PRIVATE KEY": func(der []byte) (any, error) {
		private, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, err
		}
		if private, ok := private.(ed25519.PrivateKey); ok {
			return private.Public(), nil
		}
		return private, nil
	},
}

func asEd25519(pub any) (ed25519.PublicKey, error) {
	if pub, ok := pub.(ed25519.PublicKey); ok {
		return pub, nil
	}
	return nil, fmt.Errorf("the key is a %T: node IDs are made from ed25519 keys only", pub)
}
