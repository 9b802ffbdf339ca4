package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/internal/testkit/nameserver"
	"github.com/nodedns/nodedns/resolver/inspect"
)

// The encrypted servers of the configuration are queried, and the certificate
// must have the configured name. The server's is that of net/http/httptest, for
// example.com.
func TestEncryptedUpstreams(t *testing.T) {
	t.Parallel()
	address := func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60},
			A:   net.IPv4(192, 0, 2, 7),
		}}
		return m
	}
	https := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, _ := io.ReadAll(r.Body)
		q := new(dns.Msg)
		if err := q.Unpack(message); err != nil {
			t.Error(err)
		}
		answer, _ := address(q).Pack()
		w.Header().Set("Content-Type", "application/dns-message")
		_, _ = w.Write(answer)
	}))
	t.Cleanup(https.Close)
	roots := x509.NewCertPool()
	roots.AddCert(https.Certificate())
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: https.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	nameserver.Run(t, &dns.Server{
		Listener: listener,
		Handler:  dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(address(q)) }),
	})

	for server, rcode := range map[string]string{
		"tls://" + listener.Addr().String() + "#example.com":                    "NOERROR",
		"tls://" + listener.Addr().String() + "#evil.example":                   "SERVFAIL",
		"https://" + https.Listener.Addr().String() + "/dns-query#example.com":  "NOERROR",
		"https://" + https.Listener.Addr().String() + "/dns-query#evil.example": "SERVFAIL",
		"https://" + https.Listener.Addr().String() + "/dns-query?x=1":          "NOERROR",
		"tcp://" + listener.Addr().String():                                     "SERVFAIL",
	} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.Parse("nodedns.toml", fmt.Appendf(nil, "[upstream]\nservers = [%q]\n", server), nil)
			if err != nil {
				t.Fatal(err)
			}
			sc := serviceConfig(cfg, nodeID, slog.New(slog.DiscardHandler))
			sc.UpstreamRoots = roots
			sc.Files = nodedns.Files{Root: t.TempDir()}
			sc.DNS.Upstreams.ResolvConf = ""
			service, err := nodedns.New(sc)
			if err != nil {
				t.Fatal(err)
			}
			got, err := inspect.Inspector{Server: service.Resolver()}.Query(t.Context(), "www.example.org", "A")
			if err != nil || got.Rcode != rcode {
				t.Errorf("got %+v, %v, want %s", got, err, rcode)
			}
		})
	}
}
