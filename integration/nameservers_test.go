package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// authority is an NSD that serves the zones of zonedata_test.go.
type authority struct {
	*host
	anchor string // of the signed zone
}

// newAuthority plugs it in and waits until it answers. More records are lines with
// names that are relative to the plain and to the signed zone.
func newAuthority(l *lan, name string, more ...string) *authority {
	l.t.Helper()
	a := &authority{host: l.join(name).address()}
	zones, anchor := servedZones(l.t, more...)
	a.anchor = anchor
	a.servesZones(zones)
	return a
}

// servedZones are the zones of zonedata_test.go, with the key of the signed one.
func servedZones(t testing.TB, more ...string) (zones map[string][]dns.RR, anchor string) {
	t.Helper()
	signed, anchor := signZone(t, signedZone, plainRecords(t, signedZone, more...))
	return map[string][]dns.RR{
		plainZone:  plainRecords(t, plainZone, more...),
		childZone:  readZone(t, "testdata/child.plain.example.zone", childZone),
		signedZone: signed,
	}, anchor
}

// newKnot plugs in a Knot DNS that serves the zones, signed by a key of its own.
func newKnot(l *lan, name string) *host {
	l.t.Helper()
	h := l.join(name).address()
	config := fmt.Sprintf("server:\n    listen: %s\n    rundir: /run\n"+
		"log:\n  - target: stderr\n    any: warning\ndatabase:\n    storage: /var/lib\nzone:\n", h.v4())
	zones, _ := servedZones(l.t)
	for zone, records := range zones {
		// It does not read the class of unknown types as they are written.
		h.write("/etc/knot/"+zone+"zone", strings.ReplaceAll(zoneText(records), "\tCLASS1\t", "\tIN\t"))
		config += fmt.Sprintf("  - domain: %[1]s\n    file: /etc/knot/%[1]szone\n    zonefile-sync: -1\n    journal-content: none\n", zone)
	}
	h.write("/etc/knot/knot.conf", config)
	h.serve(unpacked(l.t, "knotd", "-c", "/etc/knot/knot.conf"))
	h.serves()
	return h
}

// servesZones starts an NSD, and waits until it answers.
func (h *host) servesZones(zones map[string][]dns.RR) {
	h.t.Helper()
	config := fmt.Sprintf(`
		server:
			ip-address: %s
			username: ""
			chroot: ""
			zonesdir: /etc/nsd
			database: ""
			zonelistfile: /run/nsd.zones
			xfrdfile: ""
			pidfile: /run/nsd.pid
			rrl-ratelimit: 0
		remote-control:
			control-enable: no
		`, h.v4())
	for zone, records := range zones {
		h.write("/etc/nsd/"+zone+"zone", zoneText(records))
		config += fmt.Sprintf(`
		zone:
			name: %[1]s
			zonefile: %[1]szone
		`, zone)
	}
	h.write("/etc/nsd/nsd.conf", config)
	h.serve(unpacked(h.t, "nsd", "-d", "-c", "/etc/nsd/nsd.conf"))
	h.serves()
}

// serves waits until the server answers for the zones.
func (h *host) serves() {
	h.t.Helper()
	eventually(h.t, h.name+" answers", func() error {
		r, err := h.digAt(h.v4().String(), "www.signed.example")
		if err == nil {
			err = r.expectStatus("NOERROR")
		}
		return err
	})
}

// secureName is in the certificates of servers.
const secureName = "dns.example"

// newRecursor plugs in an Unbound that queries the authority, validates, and
// serves UDP, TCP, DNS over TLS and DNS over HTTPS. It returns the certificate
// to trust, too.
func newRecursor(l *lan, name string, from *authority) (h *host, root string) {
	l.t.Helper()
	h = l.join(name).address()
	root, key := makeCertificate(l.t)
	h.write("/etc/unbound/server.pem", root)
	h.write("/etc/unbound/server.key", key)
	var stubs strings.Builder
	for _, zone := range []string{plainZone, childZone, signedZone} {
		fmt.Fprintf(&stubs, "\nstub-zone:\n\tname: %s\n\tstub-addr: %s\n", zone, from.v4())
	}
	h.write("/etc/unbound/unbound.conf", fmt.Sprintf(`
server:
	username: ""
	chroot: ""
	directory: "/etc/unbound"
	pidfile: ""
	use-syslog: no
	interface: %[1]s@53
	interface: %[1]s@853
	interface: %[1]s@443
	tls-service-pem: server.pem
	tls-service-key: server.key
	access-control: 0.0.0.0/0 allow
	trust-anchor: "%[2]s"
	domain-insecure: %[3]s
remote-control:
	control-enable: no
`, h.v4(), from.anchor, plainZone)+stubs.String())
	h.serve(unpacked(l.t, "unbound", "-d", "-c", "/etc/unbound/unbound.conf"))
	h.serves()
	return h, root
}

// makeCertificate makes one that signs itself, and its key, in PEM.
func makeCertificate(t testing.TB) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: secureName},
		DNSNames:     []string{secureName},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
