package zone

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func TestNodeIDComesFromPublicKeyAlone(t *testing.T) {
	t.Parallel()
	pub := ed25519.PublicKey(bytes.Repeat([]byte{0xab, 0x01}, 16))
	if got, want := DefaultPrefix.FromPublicKey(pub), ID("metropolis-"+strings.Repeat("ab01", 8)); got != want {
		t.Errorf("ID is %s, want %s", got, want)
	}
	if got, want := Prefix("").FromPublicKey(pub), ID(hex.EncodeToString(pub[:16])); got != want {
		t.Errorf("without a prefix: %s, want %s", got, want)
	}
}

func TestNodeIDShape(t *testing.T) {
	t.Parallel()
	const digits = "0123456789abcdef0123456789abcdef"
	for name, want := range map[string]ID{
		"metropolis-" + digits:                  "metropolis-" + digits,
		"MetroPolis-" + strings.ToUpper(digits): "metropolis-" + digits,
		"metropolis-" + digits[1:]:              "",
		"metropolis-" + digits + "0":            "",
		"metropolis_" + digits:                  "",
		"metropolis\r" + digits:                 "", // 0x0d is '-' but for the bit of small letters
		"metropolis-" + digits[1:] + "g":        "",
		digits:                                  "",
		"":                                      "",
	} {
		got, err := DefaultPrefix.Parse(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q parses to %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestPrefixCheck(t *testing.T) {
	t.Parallel()
	for prefix, good := range map[Prefix]bool{
		"":                              true,
		"metropolis-":                   true,
		"n1-":                           true,
		Prefix(strings.Repeat("a", 31)): true,
		Prefix(strings.Repeat("a", 32)): false,
		"-a":                            false,
		"Node-":                         false,
		"a.b":                           false,
		"a b":                           false,
	} {
		if err := prefix.Check(); (err == nil) != good {
			t.Errorf("prefix %q: %v, want good %v", prefix, err, good)
		}
	}
}

func TestFreeNodeIDIsOneLabel(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]ID{
		"Rack1-n7":              "rack1-n7",
		"7":                     "7",
		strings.Repeat("x", 63): ID(strings.Repeat("x", 63)),
		strings.Repeat("x", 64): "",
		"":                      "",
		"a.b":                   "",
		"-a":                    "",
		"a-":                    "",
		"a b":                   "",
		"a\rb":                  "", // 0x0d is '-' but for the bit of small letters
		"LocalHost":             "",
		"ä":                     "",
	} {
		got, err := ParseID(name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestPublicKeyForms(t *testing.T) {
	t.Parallel()
	pub, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki := must(x509.MarshalPKIXPublicKey(pub))
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(private))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "n"}}
	cert := must(x509.CreateCertificate(rand.Reader, template, template, pub, private))
	for name, data := range map[string][]byte{
		"raw":                       pub,
		"PEM public key":            block("PUBLIC KEY", spki),
		"PEM certificate":           block("CERTIFICATE", cert),
		"DER certificate":           cert,
		"PEM private key":           block("PRIVATE KEY", pkcs8),
		"after another block":       append(block("DH PARAMETERS", []byte{1}), block("PUBLIC KEY", spki)...),
		"after a line of something": append([]byte("a comment\n"), block("PUBLIC KEY", spki)...),
	} {
		got, err := ParsePublicKey(data)
		if err != nil || !got.Equal(pub) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestPublicKeyRefused(t *testing.T) {
	t.Parallel()
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for name, data := range map[string][]byte{
		"empty":           nil,
		"31 bytes":        make([]byte, 31),
		"text":            []byte("not a key at all, nor 32 bytes long"),
		"unknown block":   block("DH PARAMETERS", []byte{1}),
		"broken block":    block("PUBLIC KEY", []byte{1, 2, 3}),
		"broken cert":     block("CERTIFICATE", []byte{1, 2, 3}),
		"broken private":  block("PRIVATE KEY", []byte{1, 2, 3}),
		"ECDSA public":    block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&other.PublicKey))),
		"ECDSA private":   block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(other))),
		"half of a block": block("PUBLIC KEY", make([]byte, 44))[:40],
	} {
		if pub, err := ParsePublicKey(data); err == nil {
			t.Errorf("%s: taken for the key %x", name, pub)
		} else if name == "text" && !errors.Is(err, ErrNoPublicKey) {
			t.Errorf("%s: %v, want ErrNoPublicKey", name, err)
		}
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestStoreRefusesABadConfiguration(t *testing.T) {
	t.Parallel()
	bad := Prefix("Bad")
	for _, cfg := range []Config{{}, {Local: "a.b"}, {Local: "a", Prefix: &bad}} {
		if _, err := NewStore(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}
