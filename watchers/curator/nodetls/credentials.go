package nodetls

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// The files of a credentials directory, each in PEM or DER.
const (
	CAFile   = "ca.crt"
	CertFile = "node.crt"
	KeyFile  = "node.key" // PKCS #8
)

// Credentials are what a node proves its identity with. They are immutable.
type Credentials struct {
	// CA is the cluster's pinned certificate authority.
	CA *x509.Certificate
	// Certificate is the node's own, with its key and parsed leaf.
	Certificate tls.Certificate
	// ID is the name that the certificate gives to the node.
	ID zone.ID
}

// ClusterID identifies the cluster: the SHA-256 of the authority's public key
// (SubjectPublicKeyInfo, RFC 5280, section 4.1), in hex. It outlives a renewal
// of the authority's certificate with the same key.
func (c *Credentials) ClusterID() string {
	sum := sha256.Sum256(c.CA.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

// Equal reports whether c and other are the same certificates; the key follows
// from them. Nil equals nil only.
func (c *Credentials) Equal(other *Credentials) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c.CA.Equal(other.CA) && c.Certificate.Leaf.Equal(other.Certificate.Leaf)
}

// Fault is what keeps credentials from being used.
type Fault string

// The faults of a credentials directory. The first two are the normal course
// of an enrolment.
const (
	FaultAbsent     Fault = "absent"
	FaultIncomplete Fault = "incomplete"
	FaultUnreadable Fault = "unreadable"
	FaultInvalid    Fault = "invalid"
	FaultKey        Fault = "key of another certificate"
	FaultForeignCA  Fault = "certificate of another CA"
	FaultOtherNode  Fault = "certificate of another node"
)

// LoadError is why the credentials of a directory cannot be used.
type LoadError struct {
	Fault Fault
	// Path is the file that is at fault, or the directory.
	Path string
	// Err is the reason; its text ends with what to do about it.
	Err error
}

func (e *LoadError) Error() string {
	return fmt.Sprintf("credentials %s: %s: %v", e.Fault, e.Path, e.Err)
}

func (e *LoadError) Unwrap() error { return e.Err }

// Waiting reports whether the credentials may simply be not there yet.
func (e *LoadError) Waiting() bool {
	return e.Fault == FaultAbsent || e.Fault == FaultIncomplete
}

// Load reads and checks the credentials in dir: that they belong together, and
// that a curator of the cluster would accept them. They must be those of the
// node local, unless that is empty. An error is always a [*LoadError].
func Load(dir string, prefix zone.Prefix, local zone.ID) (*Credentials, error) {
	files, err := readFiles(dir)
	if err != nil {
		return nil, err
	}
	ca, err := parseCA(files[CAFile])
	if err != nil {
		return nil, invalid(dir, CAFile, err)
	}
	leaf, err := parseCertificate(files[CertFile])
	if err != nil {
		return nil, invalid(dir, CertFile, err)
	}
	key, err := parseKey(files[KeyFile])
	if err != nil {
		return nil, invalid(dir, KeyFile, err)
	}
	if err := checkTogether(dir, ca, leaf, key, prefix); err != nil {
		return nil, err
	}
	id := prefix.FromPublicKey(key.Public().(ed25519.PublicKey))
	if local != "" && id != local {
		return nil, &LoadError{
			FaultOtherNode, filepath.Join(dir, CertFile),
			fmt.Errorf("it belongs to %s and this node is %s: enrol this node with its own key", id, local),
		}
	}
	return &Credentials{
		CA: ca,
		ID: id,
		Certificate: tls.Certificate{
			Certificate: [][]byte{leaf.Raw},
			PrivateKey:  key,
			Leaf:        leaf,
		},
	}, nil
}

func invalid(dir, name string, err error) *LoadError {
	return &LoadError{
		FaultInvalid, filepath.Join(dir, name),
		fmt.Errorf("%w: put the whole file there again; a file that is still being written is read again when it changes", err),
	}
}

// checkTogether distinguishes the three ways in which well-formed files do not
// make credentials.
func checkTogether(dir string, ca, leaf *x509.Certificate, key ed25519.PrivateKey, prefix zone.Prefix) error {
	if !key.Public().(ed25519.PublicKey).Equal(leaf.PublicKey) {
		return &LoadError{
			FaultKey, filepath.Join(dir, KeyFile),
			fmt.Errorf("it is not the key of %s: put both files of the same enrolment there", CertFile),
		}
	}
	_, err := VerifyPeer([][]byte{leaf.Raw}, ca, prefix)
	if err == nil {
		return nil
	}
	fault, remedy := FaultInvalid, "no curator would accept it: enrol this node again"
	if peerErr, ok := errors.AsType[*PeerError](err); ok && peerErr.Rule == RuleSigned {
		fault, remedy = FaultForeignCA, "put "+CAFile+" and "+CertFile+" of the same cluster there"
	}
	return &LoadError{fault, filepath.Join(dir, CertFile), fmt.Errorf("%w: %s", err, remedy)}
}

// missing describes which files a directory lacks.
func missing(dir string, names []string) *LoadError {
	fault := FaultIncomplete
	if len(names) == len(fileNames) {
		fault = FaultAbsent
	}
	return &LoadError{
		fault, dir,
		fmt.Errorf("no %s: they are used as soon as they are there", strings.Join(names, ", ")),
	}
}
