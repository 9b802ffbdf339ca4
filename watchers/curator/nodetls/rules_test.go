package nodetls_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// authority is a CA that signs whatever a test asks for.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newAuthority(t *testing.T, key crypto.Signer) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &authority{key: key}
	a.cert = parse(t, a.sign(t, template, template, key.Public()))
	return a
}

func (a *authority) sign(t *testing.T, template, parent *x509.Certificate, pub crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// issue makes a node certificate by the rules, and then less so.
func (a *authority) issue(t *testing.T, pub crypto.PublicKey, change func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if pub, ok := pub.(ed25519.PublicKey); ok {
		id := string(zone.DefaultPrefix.FromPublicKey(pub))
		template.Subject.CommonName, template.DNSNames = id, []string{id}
	}
	if change != nil {
		change(template)
	}
	return a.sign(t, template, a.cert, pub)
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newECDSAKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestVerifyPeer(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, newKey(t))
	other := newAuthority(t, newKey(t))
	pub := newKey(t).Public().(ed25519.PublicKey)
	id := string(zone.DefaultPrefix.FromPublicKey(pub))
	good := ca.issue(t, pub, nil)
	changed := func(change func(*x509.Certificate)) [][]byte {
		return [][]byte{ca.issue(t, pub, change)}
	}
	withEKU := func(usages ...x509.ExtKeyUsage) [][]byte {
		return changed(func(c *x509.Certificate) { c.ExtKeyUsage = usages })
	}
	withNames := func(names ...string) [][]byte {
		return changed(func(c *x509.Certificate) { c.DNSNames = names })
	}
	// One link of a chain too many.
	between := &authority{key: newKey(t)}
	between.cert = parse(t, ca.issue(t, between.key.Public(), func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
	}))
	tampered := append([]byte(nil), good...)
	tampered[len(tampered)-1] ^= 1

	for name, test := range map[string]struct {
		shown [][]byte
		want  nodetls.Rule
	}{
		"good":                     {[][]byte{good}, ""},
		"good with ClientAuth too": {withEKU(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth), ""},
		"expired":                  {changed(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Second) }), ""},
		"not valid yet":            {changed(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), ""},
		"none":                     {nil, nodetls.RuleSingle},
		"two":                      {[][]byte{good, ca.cert.Raw}, nodetls.RuleSingle},
		"empty":                    {[][]byte{{}}, nodetls.RuleParsable},
		"cut off":                  {[][]byte{good[:len(good)/2]}, nodetls.RuleParsable},
		"tampered":                 {[][]byte{tampered}, nodetls.RuleSigned},
		"of another CA":            {[][]byte{other.issue(t, pub, nil)}, nodetls.RuleSigned},
		"by an intermediate":       {[][]byte{between.issue(t, pub, nil)}, nodetls.RuleSigned},
		"the CA itself":            {[][]byte{ca.cert.Raw}, nodetls.RuleLeaf},
		"a CA of the node's name": {changed(func(c *x509.Certificate) {
			c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
		}), nodetls.RuleLeaf},
		"ECDSA key":               {[][]byte{ca.issue(t, newECDSAKey(t).Public(), nil)}, nodetls.RuleKey},
		"no usage":                {withEKU(), nodetls.RuleUsage},
		"ClientAuth only":         {withEKU(x509.ExtKeyUsageClientAuth), nodetls.RuleUsage},
		"any usage":               {withEKU(x509.ExtKeyUsageAny), nodetls.RuleUsage},
		"other common name":       {changed(func(c *x509.Certificate) { c.Subject.CommonName = "metropolis-0" }), nodetls.RuleName},
		"no common name":          {changed(func(c *x509.Certificate) { c.Subject.CommonName = "" }), nodetls.RuleName},
		"no DNS name":             {withNames(), nodetls.RuleDNSName},
		"other DNS name":          {withNames("localhost"), nodetls.RuleDNSName},
		"two DNS names":           {withNames(id, "localhost"), nodetls.RuleDNSName},
		"the same DNS name twice": {withNames(id, id), nodetls.RuleDNSName},
		"unknown critical extension": {changed(func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), nodetls.RuleCritical},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaf, err := nodetls.VerifyPeer(test.shown, ca.cert, zone.DefaultPrefix)
			checkRule(t, err, test.want)
			if test.want == "" && leaf == nil {
				t.Error("no certificate returned")
			}
		})
	}

	t.Run("other prefix", func(t *testing.T) {
		t.Parallel()
		_, err := nodetls.VerifyPeer([][]byte{good}, ca.cert, "other-")
		checkRule(t, err, nodetls.RuleName)
	})
	t.Run("CA without an ed25519 key", func(t *testing.T) {
		t.Parallel()
		ca := newAuthority(t, newECDSAKey(t))
		_, err := nodetls.VerifyPeer([][]byte{ca.issue(t, pub, nil)}, ca.cert, zone.DefaultPrefix)
		checkRule(t, err, nodetls.RuleSigned)
	})
}

func checkRule(t *testing.T, err error, want nodetls.Rule) {
	t.Helper()
	peerErr, ok := errors.AsType[*nodetls.PeerError](err)
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && !ok:
		t.Errorf("err = %v, want a PeerError", err)
	case want != "" && peerErr.Rule != want:
		t.Errorf("broken rule %q, want %q", peerErr.Rule, want)
	}
}

func FuzzVerifyPeer(f *testing.F) {
	ca := newAuthority(&testing.T{}, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	f.Add(ca.cert.Raw)
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, der []byte) {
		if _, err := nodetls.VerifyPeer([][]byte{der}, ca.cert, zone.DefaultPrefix); err == nil {
			t.Error("accepted, though nothing was signed")
		}
	})
}
