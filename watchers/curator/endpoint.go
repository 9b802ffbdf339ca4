package curator

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// DefaultPort is the curator's TCP port where an endpoint names none.
const DefaultPort = 7835

// Endpoint is where a curator may be found: a host and port, which may be pinned
// to a node, or a node of the cluster by its ID, which is resolved from the zone.
// It is read by [ParseEndpoint] or UnmarshalText. Endpoints are comparable.
type Endpoint struct {
	host string  // an address or a name, in lower case
	node zone.ID // set when host is the ID of a node
	port uint16  // 0: none is given, which only a node ID may do
	pin  zone.ID // the only node that may answer at the host
}

// ParseEndpoint reads "host:port", with a host name or an IP address, and with
// "#node-id" behind it where only that node may answer there; or "node-id" with
// or without a port. Whether what is taken for a node ID is one depends on the
// cluster's prefix, and is checked where the endpoint is used.
func ParseEndpoint(text string) (Endpoint, error) {
	var e Endpoint
	if err := e.UnmarshalText([]byte(text)); err != nil {
		return Endpoint{}, fmt.Errorf("curator endpoint %.300q: %w", text, err)
	}
	return e, nil
}

// UnmarshalText reads what ParseEndpoint does. An error completes the sentence
// "got X, …".
func (e *Endpoint) UnmarshalText(text []byte) error {
	where, pin, pinned := strings.Cut(string(text), "#")
	read, err := parseTarget(where)
	if err != nil {
		return err
	}
	if pin = strings.ToLower(pin); pinned && !isHostName(pin) {
		return errors.New("expected HOST:PORT#NODE-ID, with the ID of the node that answers there")
	}
	read.pin = zone.ID(pin)
	*e = read
	return nil
}

// parseTarget reads an endpoint without its pin.
func parseTarget(text string) (Endpoint, error) {
	if _, err := netip.ParseAddr(text); err != nil && isHostName(strings.ToLower(text)) {
		return Endpoint{host: strings.ToLower(text)}, nil
	}
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return Endpoint{}, fmt.Errorf("expected HOST:PORT, HOST:PORT#NODE-ID or a node ID; a curator's usual port is %d", DefaultPort)
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return Endpoint{}, fmt.Errorf("expected a port from 1 to 65535 behind the host, usually %d", DefaultPort)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsUnspecified() || addr.IsMulticast() {
			return Endpoint{}, fmt.Errorf("expected the address of a machine, which %s is not", addr)
		}
		host = addr.String()
	} else if host = strings.ToLower(host); !isHostName(host) {
		return Endpoint{}, errors.New("expected an IP address, a host name or a node ID before the port")
	}
	return Endpoint{host: host, port: uint16(port)}, nil
}

// In is the endpoint in a cluster whose node IDs begin with a prefix: a node ID
// without a port gets the usual one. It refuses what has no port and is no node
// ID either, and the pin that is none. An error completes the sentence "got X, …".
func (e Endpoint) In(prefix zone.Prefix) (Endpoint, error) {
	e.node, _ = prefix.Parse(e.host)
	if e.pin != "" {
		if id, err := prefix.Parse(string(e.pin)); err != nil || e.node != "" && id != e.node {
			return Endpoint{}, fmt.Errorf("expected the ID of the node that answers there behind the #, not %s: %s and 32 hex digits", e.pin, prefix)
		}
	}
	if e.port == 0 {
		if e.node == "" {
			return Endpoint{}, fmt.Errorf("expected HOST:PORT, as it is no node ID; write %s:%d", e.host, DefaultPort)
		}
		e.port = DefaultPort
	}
	return e, nil
}

// isHostName reports whether a text in lower case could be a host's name, with a
// final dot or without (RFC 1123, section 2.1). Underscores are let through, as
// they occur in the domains of directory services.
func isHostName(text string) bool {
	name := strings.TrimSuffix(text, ".")
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, notInHostName) {
			return false
		}
	}
	return true
}

func notInHostName(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
}

// Address is the endpoint with its port, as it is dialled.
func (e Endpoint) Address() string {
	if e.port == 0 {
		return e.host
	}
	return net.JoinHostPort(e.host, strconv.Itoa(int(e.port)))
}

// String is the endpoint as UnmarshalText reads it.
func (e Endpoint) String() string {
	if e.pin == "" {
		return e.Address()
	}
	return e.Address() + "#" + string(e.pin)
}

// MarshalText returns what String does.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// expected is the only node that may answer there, or empty.
func (e Endpoint) expected() zone.ID { return cmp.Or(e.pin, e.node) }

// Loopback reports whether the endpoint is on this machine for certain. No name
// but localhost is trusted (RFC 6761, section 6.3).
func (e Endpoint) Loopback() bool {
	if strings.TrimSuffix(e.host, ".") == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(e.host)
	return err == nil && addr.Unmap().IsLoopback()
}

// endpointsIn are endpoints in a cluster, all of which must be on loopback when
// the connection will be plain text.
func endpointsIn(prefix zone.Prefix, endpoints []Endpoint, insecure bool) ([]Endpoint, error) {
	all := make([]Endpoint, 0, len(endpoints))
	for _, given := range endpoints {
		e, err := given.In(prefix)
		if err != nil {
			return nil, fmt.Errorf("curator endpoint %q: %w", given, err)
		}
		if insecure && !e.Loopback() {
			return nil, fmt.Errorf("curator endpoint %s: plain text is for loopback only: use credentials instead of insecure", e)
		}
		all = append(all, e)
	}
	return all, nil
}
