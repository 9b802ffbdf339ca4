package nodetls

import (
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/nodedns/nodedns/zone"
)

// Rule names a rule for the certificate that a peer presents.
type Rule string

// The rules, in the order in which they are checked.
const (
	RuleSingle    Rule = "exactly one certificate"
	RuleParsable  Rule = "a well-formed certificate"
	RuleSigned    Rule = "signed directly by the cluster's CA"
	RuleLeaf      Rule = "not a CA certificate"
	RuleKey       Rule = "an ed25519 key"
	RuleUsage     Rule = "extended key usage ServerAuth"
	RuleCritical  Rule = "no unknown critical extension"
	RuleName      Rule = "common name is the ID that belongs to the key"
	RuleDNSName   Rule = "exactly one DNS name, the ID that belongs to the key"
	RuleHandshake Rule = "a full handshake, not a resumed session"
)

// PeerError is which rule a peer's certificate broke.
type PeerError struct {
	Rule Rule
	// Found is what there was instead.
	Found string
}

func (e *PeerError) Error() string {
	return fmt.Sprintf("certificate refused: want %s, found %s", e.Rule, e.Found)
}

// PeerID is the node that a certificate belongs to, by its key; empty where that
// is no key of a node. The certificate must have been verified.
func PeerID(cert *x509.Certificate, prefix zone.Prefix) zone.ID {
	pub, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return ""
	}
	return prefix.FromPublicKey(pub)
}

// VerifyPeer checks the certificates that a peer presented, in DER, by the rules,
// and returns the parsed one. The authority is trusted because it is pinned:
// nothing but its key is used. An error is always a [*PeerError].
//
// VerifyPeer is a pure function and takes hostile input.
func VerifyPeer(rawCerts [][]byte, ca *x509.Certificate, prefix zone.Prefix) (*x509.Certificate, error) {
	if len(rawCerts) != 1 {
		return nil, &PeerError{RuleSingle, fmt.Sprintf("%d of them", len(rawCerts))}
	}
	leaf, err := x509.ParseCertificate(rawCerts[0])
	if err != nil {
		return nil, &PeerError{RuleParsable, err.Error()}
	}
	if err := verifySignature(leaf, ca); err != nil {
		return nil, err
	}
	return leaf, verifyLeaf(leaf, prefix)
}

// verifySignature does not use CheckSignatureFrom, which checks the authority's
// own extensions too and would refuse a pinned certificate for the way in which
// it was made.
func verifySignature(leaf, ca *x509.Certificate) error {
	if _, ok := ca.PublicKey.(ed25519.PublicKey); !ok {
		return &PeerError{RuleSigned, fmt.Sprintf("a CA with a key of type %T instead of ed25519", ca.PublicKey)}
	}
	if err := ca.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
		return &PeerError{RuleSigned, fmt.Sprintf("one of another CA, issuer %.80q (%v)", leaf.Issuer, err)}
	}
	return nil
}

func verifyLeaf(leaf *x509.Certificate, prefix zone.Prefix) error {
	if leaf.IsCA {
		return &PeerError{RuleLeaf, "a CA certificate"}
	}
	pub, ok := leaf.PublicKey.(ed25519.PublicKey)
	if !ok {
		return &PeerError{RuleKey, fmt.Sprintf("a key of type %T", leaf.PublicKey)}
	}
	if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		return &PeerError{RuleUsage, "none such"}
	}
	if n := len(leaf.UnhandledCriticalExtensions); n > 0 {
		return &PeerError{RuleCritical, leaf.UnhandledCriticalExtensions[0].String()}
	}
	id := string(prefix.FromPublicKey(pub))
	if leaf.Subject.CommonName != id {
		return &PeerError{RuleName, fmt.Sprintf("%.80q with the key of %q", leaf.Subject.CommonName, id)}
	}
	if len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != id {
		return &PeerError{RuleDNSName, fmt.Sprintf("%.160q with the key of %q", leaf.DNSNames, id)}
	}
	return nil
}
