package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// Transport is how a server is queried.
type Transport uint8

// The transports. The zero value is the ordinary one.
const (
	UDP   Transport = iota // and TCP for what was truncated
	TCP                    // RFC 7766
	TLS                    // RFC 7858
	HTTPS                  // RFC 8484
)

var transports = [...]struct {
	scheme string
	port   uint16
}{UDP: {"", 53}, TCP: {"tcp://", 53}, TLS: {"tls://", 853}, HTTPS: {"https://", 443}}

// String is the transport's name in lower case.
func (t Transport) String() string {
	if t == UDP {
		return "udp"
	}
	return strings.TrimSuffix(transports[t].scheme, "://")
}

// encrypted reports whether an attacker on the path can neither read nor forge.
func (t Transport) encrypted() bool { return t == TLS || t == HTTPS }

// Server is a server to query and how. Servers are equal if they are ==. The
// zero value is none.
type Server struct {
	Transport Transport
	// Addr is normalized as by [Normalize].
	Addr netip.AddrPort
	// Name has to be in the server's certificate; if it is empty, the address
	// has to. TLS and HTTPS only.
	Name string
	// Path of the URL, with its query if any; HTTPS only.
	Path string
}

// Plain returns a server that is queried over UDP.
func Plain(addr netip.AddrPort) Server { return Server{Addr: Normalize(addr)} }

// ParseServer reads a server in one of these forms:
//
//	ADDR[:PORT]                     UDP, and TCP for what was truncated
//	tcp://ADDR[:PORT]               TCP only
//	tls://ADDR[:PORT][#NAME]        DNS over TLS, port 853
//	https://ADDR[:PORT]/PATH[#NAME] DNS over HTTPS, port 443
//
// ADDR is IPv4 or IPv6, link-local with %INTERFACE; IPv6 with a port is in
// brackets. NAME is what the certificate has to be for; without it that is
// ADDR. A server is never given by name alone: a resolver would have to resolve
// the name, and on this machine that is us.
func ParseServer(text string) (Server, error) {
	s, err := parseServer(text)
	if err != nil {
		return Server{}, fmt.Errorf("server %q: %w", text, err)
	}
	return s, nil
}

func parseServer(text string) (Server, error) {
	s := Server{Transport: UDP}
	rest := text
	for t := TCP; t <= HTTPS; t++ {
		if after, ok := strings.CutPrefix(text, transports[t].scheme); ok {
			s.Transport, rest = t, after
		}
	}
	if scheme, _, ok := strings.Cut(rest, "://"); ok {
		return s, fmt.Errorf("%s:// is none of tcp://, tls:// and https://", scheme)
	}
	rest, name, named := strings.Cut(rest, "#")
	if named && !s.Transport.encrypted() {
		return s, errors.New("a #name is checked in a certificate, so it needs tls:// or https://")
	}
	if named && !isHostName(name) {
		return s, fmt.Errorf("%q is no host name", name)
	}
	s.Name = strings.ToLower(strings.TrimSuffix(name, "."))
	if s.Transport == HTTPS {
		var err error
		if rest, s.Path, err = splitPath(rest); err != nil {
			return s, err
		}
	}
	addr, err := parseAddr(rest, transports[s.Transport].port)
	s.Addr = Normalize(addr)
	return s, err
}

func isHostName(name string) bool {
	_, isName := dns.IsDomainName(name)
	return isName && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" &&
		strings.Trim(name, ".") != ""
}

// splitPath splits the path, which a URL must have, from an address.
func splitPath(text string) (addr, path string, err error) {
	slash := strings.IndexByte(text, '/')
	if slash < 0 {
		return "", "", errors.New("want the path too, most often /dns-query")
	}
	path = text[slash:]
	// RFC 8484 has templates; ours are POST requests, which need none.
	if u, err := url.ParseRequestURI(path); err != nil || u.String() != path || strings.Contains(path, "{") {
		return "", "", fmt.Errorf("%q is no path of a URL", path)
	}
	return text[:slash], path, nil
}

func parseAddr(text string, port uint16) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err == nil && strings.HasPrefix(text, "[") == strings.HasSuffix(text, "]") && (addr.Is6() || text[0] != '[') {
		return usable(netip.AddrPortFrom(addr, port))
	}
	both, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: want an address, as in 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53, and no name", text)
	}
	return usable(both)
}

func usable(addr netip.AddrPort) (netip.AddrPort, error) {
	switch a := addr.Addr(); {
	case addr.Port() == 0:
		return addr, errors.New("port 0 cannot be asked")
	case a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return addr, errors.New("it is the address of many, want one server")
	case a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "":
		return addr, fmt.Errorf("a link-local address needs its interface: %v%%eth0", a)
	}
	return addr, nil
}

// String is the shortest text that UnmarshalText makes into the same server.
func (s Server) String() string {
	if s == Auto {
		return autoText
	}
	t := transports[s.Transport]
	var host string
	switch {
	case s.Addr.Port() != t.port:
		host = s.Addr.String()
	case s.Transport == HTTPS && s.Addr.Addr().Is6():
		host = "[" + s.Addr.Addr().String() + "]"
	default:
		host = s.Addr.Addr().String()
	}
	text := t.scheme + host + s.Path
	if s.Name != "" {
		text += "#" + s.Name
	}
	return text
}

// certified is the name or address that the certificate has to be for.
func (s Server) certified() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Addr.Addr().WithZone("").String()
}

// url is where queries are posted.
func (s Server) url() string {
	host := s.certified()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port := s.Addr.Port(); port != transports[HTTPS].port {
		host += ":" + strconv.Itoa(int(port))
	}
	return transports[HTTPS].scheme + host + s.Path
}
