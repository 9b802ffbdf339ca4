package nodetls_test

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

func (a *authority) credentials(t *testing.T, change func(*x509.Certificate)) *nodetls.Credentials {
	t.Helper()
	key := newKey(t)
	der := a.issue(t, key.Public(), change)
	return &nodetls.Credentials{
		CA:          a.cert,
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parse(t, der)},
		ID:          zone.DefaultPrefix.FromPublicKey(key.Public().(ed25519.PublicKey)),
	}
}

// handshake connects the two and has one byte sent by the server, because in
// TLS 1.3 a client learns only then that it was refused.
func handshake(t *testing.T, client, server *tls.Config) (state tls.ConnectionState, clientErr, serverErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		conn := tls.Server(raw, server)
		defer conn.Close()
		_, err = conn.Write([]byte{1})
		done <- err
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(raw, client)
	_, clientErr = io.ReadAll(conn)
	state = conn.ConnectionState()
	conn.Close()
	return state, clientErr, <-done
}

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, newKey(t))
	other := newAuthority(t, newKey(t))
	clientOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }
	expired := func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Second) }

	for name, test := range map[string]struct {
		client, server         *nodetls.Credentials
		clientRule, serverRule nodetls.Rule // by which it refuses the other
	}{
		"both good":                {ca.credentials(t, nil), ca.credentials(t, nil), "", ""},
		"both expired":             {ca.credentials(t, expired), ca.credentials(t, expired), "", ""},
		"server of another CA":     {ca.credentials(t, nil), other.credentials(t, nil), nodetls.RuleSigned, ""},
		"server without usage":     {ca.credentials(t, nil), ca.credentials(t, clientOnly), nodetls.RuleUsage, ""},
		"client with usage of one": {ca.credentials(t, clientOnly), ca.credentials(t, nil), "", nodetls.RuleUsage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reported error
			client := test.client.ClientConfig(zone.DefaultPrefix, func(err error) { reported = err })
			_, clientErr, serverErr := handshake(t, client, test.server.ServerConfig(zone.DefaultPrefix))
			checkRule(t, reported, test.clientRule)
			if test.clientRule != "" {
				checkRule(t, clientErr, test.clientRule)
			} else {
				checkRule(t, serverErr, test.serverRule)
			}
		})
	}
}

func TestServerRefusesClientWithoutCertificate(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, newKey(t))
	client := ca.credentials(t, nil).ClientConfig(zone.DefaultPrefix, nil)
	client.Certificates = nil
	_, _, serverErr := handshake(t, client, ca.credentials(t, nil).ServerConfig(zone.DefaultPrefix))
	if serverErr == nil || !strings.Contains(serverErr.Error(), "certificate") {
		t.Errorf("server's error = %v, want one about the missing certificate", serverErr)
	}
}

// Each handshake is a full one, even between the same two and with a client
// that would like to resume; and a resumed one is refused by the check.
func TestNoSessionResumption(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, newKey(t))
	configs := func(client, server bool) (*tls.Config, *tls.Config) {
		c := ca.credentials(t, nil).ClientConfig(zone.DefaultPrefix, nil)
		c.ServerName = "same"
		c.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		c.SessionTicketsDisabled = !client
		s := ca.credentials(t, nil).ServerConfig(zone.DefaultPrefix)
		s.SessionTicketsDisabled = !server
		return c, s
	}
	for name, test := range map[string]struct {
		clientResumes, serverResumes bool
		second                       nodetls.Rule
	}{
		"as configured":    {false, false, ""},
		"willing client":   {true, false, ""},
		"willing server":   {false, true, ""},
		"both are willing": {true, true, nodetls.RuleHandshake},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := configs(test.clientResumes, test.serverResumes)
			_, clientErr, serverErr := handshake(t, client, server)
			if clientErr != nil || serverErr != nil {
				t.Fatal(clientErr, serverErr)
			}
			state, clientErr, _ := handshake(t, client, server)
			checkRule(t, clientErr, test.second)
			if test.second == "" && state.DidResume {
				t.Error("the session was resumed")
			}
		})
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	cert := newAuthority(t, newKey(t)).cert
	for name, test := range map[string]struct {
		now  time.Time
		want string
	}{
		"valid":        {cert.NotBefore.Add(time.Minute), ""},
		"first":        {cert.NotBefore, ""},
		"last":         {cert.NotAfter, ""},
		"not yet":      {cert.NotBefore.Add(-time.Second), "the certificate of me is valid from " + cert.NotBefore.Format(time.RFC3339)},
		"not any more": {cert.NotAfter.Add(time.Second), "the certificate of me expired at " + cert.NotAfter.Format(time.RFC3339)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := nodetls.Dates("me", cert, test.now)
			if !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
