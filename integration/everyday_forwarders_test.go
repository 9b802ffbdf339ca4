package integration

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// forwarder is a program that passes queries on to servers. It answers on
// 127.0.0.53, and is configured as its package does by default, but for the
// wiring.
type forwarder struct {
	name    string
	version func(t testing.TB) string
	start   func(h *host, w wiring)
}

// wiring is what a forwarder gets in its configuration.
type wiring struct {
	servers []netip.AddrPort // in this order
	over    string           // "tcp", "tls", or "" for UDP
	root    string           // the certificate of the servers over TLS
	// names of the hosts file, with an address each.
	hosts map[string]string
	// route is a domain that has a server of its own.
	route       string
	routeServer netip.AddrPort
	// rebind is whether private addresses are kept out of answers.
	rebind bool
}

var (
	nodednsForwarder = forwarder{"nodedns", func(testing.TB) string { return "" }, startNodedns}
	otherForwarders  = []forwarder{
		{"unbound", versionOf("unbound", "-V"), startUnbound},
		{"dnsmasq", func(t testing.TB) string { return versionIn(t, exec.Command("dnsmasq", "--version")) }, startForwardingDNSMasq},
		{"systemd-resolved", versionOf("resolvectl", "--version"), startResolved},
	}
)

func versionOf(program, flag string) func(testing.TB) string {
	return func(t testing.TB) string { return versionIn(t, unpacked(t, program, flag)) }
}

// versionIn is the first number that a program prints.
func versionIn(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.Output()
	must(t, err)
	return regexp.MustCompile(`\d+[.\d]*`).FindString(string(out))
}

// trustRoot has the programs of a machine trust a certificate.
func (m *machine) trustRoot(certificate string) {
	m.t.Helper()
	m.write("/etc/ssl/certs/ca-certificates.crt", certificate)
}

func startNodedns(h *host, w wiring) {
	h.t.Helper()
	var servers []string
	for _, server := range w.servers {
		switch w.over {
		case "tls":
			servers = append(servers, fmt.Sprintf("%q", "tls://"+server.String()+"#"+secureName))
		case "tcp":
			servers = append(servers, fmt.Sprintf("%q", "tcp://"+server.String()))
		default:
			servers = append(servers, fmt.Sprintf("%q", server))
		}
	}
	config := []string{"[upstream]", "servers = [" + strings.Join(servers, ", ") + "]", fmt.Sprintf("rebind_protection = %t", w.rebind)}
	if w.route != "" {
		config = append(config, route(w.route, w.routeServer))
	}
	h.identify()
	h.configure(config...)
	h.trustRoot(w.root)
	for name, addr := range w.hosts {
		h.write("/etc/hosts", userHosts+addr+" "+name+"\n")
	}
	h.startDaemon()
}

func startUnbound(h *host, w wiring) {
	h.t.Helper()
	config := `
server:
	username: ""
	chroot: ""
	directory: "/etc/unbound"
	pidfile: ""
	use-syslog: no
	interface: 127.0.0.53
`
	if w.over == "tls" {
		config += "\ttls-cert-bundle: \"/etc/ssl/certs/ca-certificates.crt\"\n"
	}
	if w.over == "tcp" {
		config += "\ttcp-upstream: yes\n"
	}
	for name, addr := range w.hosts {
		config += fmt.Sprintf("\tlocal-data: \"%s. A %s\"\n", name, addr)
	}
	if w.rebind {
		// As its manual suggests.
		for _, prefix := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fd00::/8", "fe80::/10"} {
			config += "\tprivate-address: " + prefix + "\n"
		}
	}
	config += "remote-control:\n\tcontrol-enable: no\nforward-zone:\n\tname: .\n"
	for _, server := range w.servers {
		config += fmt.Sprintf("\tforward-addr: %s@%d", server.Addr(), server.Port())
		if w.over == "tls" {
			config += "#" + secureName + "\n\tforward-tls-upstream: yes"
		}
		config += "\n"
	}
	if w.route != "" {
		config += fmt.Sprintf("forward-zone:\n\tname: %s\n\tforward-addr: %s@%d\n", w.route, w.routeServer.Addr(), w.routeServer.Port())
	}
	h.write("/etc/unbound/unbound.conf", config)
	h.trustRoot(w.root)
	h.serve(unpacked(h.t, "unbound", "-d", "-c", "/etc/unbound/unbound.conf"))
}

func startForwardingDNSMasq(h *host, w wiring) {
	h.t.Helper()
	flags := []string{"--address=/localhost/127.0.0.1"}
	for _, server := range w.servers {
		flags = append(flags, fmt.Sprintf("--server=%s#%d", server.Addr(), server.Port()))
	}
	for name, addr := range w.hosts {
		flags = append(flags, "--host-record="+name+","+addr)
	}
	if w.rebind {
		flags = append(flags, "--stop-dns-rebind")
	}
	if w.route != "" {
		flags = append(flags, fmt.Sprintf("--server=/%s/%s#%d", w.route, w.routeServer.Addr(), w.routeServer.Port()))
	}
	startDNSMasq(h.machine, "127.0.0.53", flags...)
}

// startResolved starts it without a bus, which it waits for while it answers.
func startResolved(h *host, w wiring) {
	h.t.Helper()
	var servers []string
	for _, server := range w.servers {
		text := server.String()
		if w.over == "tls" {
			text += "#" + secureName
		}
		servers = append(servers, text)
	}
	secure := "no"
	if w.over == "tls" {
		secure = "yes"
	}
	h.write("/etc/systemd/resolved.conf", fmt.Sprintf(`[Resolve]
DNS=%s
FallbackDNS=
DNSOverTLS=%s
LLMNR=no
MulticastDNS=no
`, strings.Join(servers, " "), secure))
	// It becomes this user.
	h.write("/etc/passwd", h.read("/etc/passwd")+"systemd-resolve:x:996:996::/:/bin/false\n")
	h.write("/etc/group", h.read("/etc/group")+"systemd-resolve:x:996:\n")
	h.trustRoot(w.root)
	for name, addr := range w.hosts {
		h.write("/etc/hosts", userHosts+addr+" "+name+"\n")
	}
	const links = "/run/systemd/netif/links"
	var err error
	h.do(func() { err = os.MkdirAll(links, 0o755) })
	must(h.t, err)
	if w.route != "" {
		// As systemd-networkd would tell it.
		text := "ADMIN_STATE=configured\nOPER_STATE=routable\nDNS_DEFAULT_ROUTE=no\n" +
			fmt.Sprintf("DNS=%s\nROUTE_DOMAINS=%s\n", w.routeServer, w.route)
		file := filepath.Join(links, fmt.Sprint(h.link("eth0").Attrs().Index))
		h.do(func() { err = os.WriteFile(file, []byte(text), 0o644) })
		must(h.t, err)
	}
	cmd := unpacked(h.t, "systemd-resolved")
	cmd.Env = append(cmd.Env, "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt")
	h.serve(cmd)
}
