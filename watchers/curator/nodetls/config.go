package nodetls

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// ClientConfig returns the configuration of a client that presents c and accepts
// any server that meets the rules of c's cluster.
//
// When refused is not nil it is called with the reason for which a server was
// not accepted, because what is built on TLS tends to report it as mere text.
// It must be safe for concurrent use.
func (c *Credentials) ClientConfig(prefix zone.Prefix, refused func(error)) *tls.Config {
	config := c.config(prefix, refused)
	// Go's own verification checks host name and dates. Ours replaces it.
	config.InsecureSkipVerify = true
	return config
}

// ServerConfig is the server's side of [Credentials.ClientConfig]: clients must
// meet the same rules.
func (c *Credentials) ServerConfig(prefix zone.Prefix) *tls.Config {
	config := c.config(prefix, nil)
	// Go's own verification requires ClientAuth, which node certificates lack.
	config.ClientAuth = tls.RequireAnyClientCert
	return config
}

func (c *Credentials) config(prefix zone.Prefix, refused func(error)) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{c.Certificate},
		// A resumed session would skip the check of the certificate. The server
		// issues no tickets; a client without a cache stores none.
		SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			err := verifyConnection(state, c.CA, prefix)
			if err != nil && refused != nil {
				refused(err)
			}
			return err
		},
	}
}

func verifyConnection(state tls.ConnectionState, ca *x509.Certificate, prefix zone.Prefix) error {
	if state.DidResume {
		return &PeerError{RuleHandshake, "a resumed session"}
	}
	raw := make([][]byte, len(state.PeerCertificates))
	for i, cert := range state.PeerCertificates {
		raw[i] = cert.Raw
	}
	_, err := VerifyPeer(raw, ca, prefix)
	return err
}

// Dates returns a remark about the validity of the certificate of its owner at the
// time now, or "" when there is none to make. Dates are reported only.
func Dates(owner string, cert *x509.Certificate, now time.Time) string {
	switch {
	case now.Before(cert.NotBefore):
		return fmt.Sprintf("the certificate of %s is valid from %s only, or this clock is slow: it is used all the same",
			owner, cert.NotBefore.UTC().Format(time.RFC3339))
	case now.After(cert.NotAfter):
		return fmt.Sprintf("the certificate of %s expired at %s, or this clock is fast: it is used all the same",
			owner, cert.NotAfter.UTC().Format(time.RFC3339))
	default:
		return ""
	}
}
