package memory

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// The certificates never expire in practice, because nodes ignore the dates.
var (
	notBefore = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// Cluster is the certificate authority of a cluster. It is immutable.
type Cluster struct {
	prefix zone.Prefix
	ca     *x509.Certificate
	key    ed25519.PrivateKey
}

// NewCluster makes a cluster of its own, with a new authority, whose node IDs
// begin with prefix.
func NewCluster(prefix zone.Prefix) (*Cluster, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of a cluster's CA: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "In-memory cluster CA"},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate of a cluster's CA: %w", err)
	}
	return newCluster(prefix, der, key)
}

func newCluster(prefix zone.Prefix, caDER []byte, key ed25519.PrivateKey) (*Cluster, error) {
	ca, err := x509.ParseCertificate(caDER)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of a cluster's CA: %w", err)
	}
	return &Cluster{prefix: prefix, ca: ca, key: key}, nil
}

// CA returns the certificate that nodes pin.
func (c *Cluster) CA() *x509.Certificate { return c.ca }

// Issue returns the certificate of the node that owns pub, in DER. The changes
// are applied to the certificate before it is signed, to make wrong ones.
func (c *Cluster) Issue(pub ed25519.PublicKey, changes ...func(*x509.Certificate)) ([]byte, error) {
	id := string(c.prefix.FromPublicKey(pub))
	// Each is another certificate, for the same node too.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("issuing the certificate of %s: %w", id, err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: id},
		DNSNames:              []string{id},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		// For clients too: the two sides keep the same rules.
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, change := range changes {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, pub, c.key)
	if err != nil {
		return nil, fmt.Errorf("issuing the certificate of %s: %w", id, err)
	}
	return der, nil
}

// NewNode makes a node: a new key, its ID and its certificate.
func (c *Cluster) NewNode() (*nodetls.Credentials, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of a node: %w", err)
	}
	return c.Node(key)
}

// Node makes the credentials of the node that owns key.
func (c *Cluster) Node(key ed25519.PrivateKey) (*nodetls.Credentials, error) {
	pub := key.Public().(ed25519.PublicKey)
	der, err := c.Issue(pub)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of a node: %w", err)
	}
	return &nodetls.Credentials{
		CA:          c.ca,
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		ID:          c.prefix.FromPublicKey(pub),
	}, nil
}
