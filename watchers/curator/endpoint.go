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
// to a node, or a node of the cluster by its ID. Endpoints are comparable.
type Endpoint struct {
	host string
	node zone.ID // set when host is the ID of a node
	port uint16
	pin  zone.ID // the only node that may answer at the host
}

// parseEndpoint reads "host:port", with a host name or an IP address, and with
// "#node-id" behind it where only that node may answer there; or "node-id" with
// or without a port.
func parseEndpoint(text string, prefix zone.Prefix) (Endpoint, error) {
	where, pinText, pinned := strings.Cut(text, "#")
	endpoint, err := parseTarget(where, prefix)
	if err != nil || !pinned {
		return endpoint, err
	}
	endpoint.pin, err = prefix.Parse(pinText)
	if err != nil || endpoint.node != "" && endpoint.node != endpoint.pin {
		return Endpoint{}, fmt.Errorf("curator endpoint %.300q: behind the #: want the ID of the node that answers there (%s and 32 hex digits)", text, prefix)
	}
	return endpoint, nil
}

func parseTarget(text string, prefix zone.Prefix) (Endpoint, error) {
	if id, err := prefix.Parse(text); err == nil {
		return Endpoint{host: string(id), node: id, port: DefaultPort}, nil
	}
	host, portText, err := net.SplitHostPort(text)
	if err != nil {
		return Endpoint{}, fmt.Errorf(
			"curator endpoint %.300q: want host:port, [IPv6 address]:port, or a node ID (%s and 32 hex digits)", text, prefix)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return Endpoint{}, fmt.Errorf("curator endpoint %.300q: port %q: want a number from 1 to 65535, usually %d",
			text, portText, DefaultPort)
	}
	if id, err := prefix.Parse(host); err == nil {
		return Endpoint{host: string(id), node: id, port: uint16(port)}, nil
	}
	if err := checkHost(host); err != nil {
		return Endpoint{}, fmt.Errorf("curator endpoint %.300q: %w", text, err)
	}
	return Endpoint{host: host, port: uint16(port)}, nil
}

// checkHost refuses what can be neither an address nor a name, so that a typo is
// found when the configuration is read.
func checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsUnspecified() || addr.IsMulticast() {
			return fmt.Errorf("%s is not the address of a machine", addr)
		}
		return nil
	}
	name := strings.TrimSuffix(host, ".")
	if name == "" {
		return errors.New("the host is missing")
	}
	if len(name) > 253 {
		return errors.New("the host name has more than 253 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInHostName) {
			return fmt.Errorf("%q is neither an IP address nor a host name", host)
		}
	}
	return nil
}

func notInHostName(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
}

// Address is the endpoint with its port, as it is dialled.
func (e Endpoint) Address() string {
	if e == (Endpoint{}) {
		return ""
	}
	return net.JoinHostPort(e.host, strconv.Itoa(int(e.port)))
}

// String is the endpoint as parseEndpoint reads it.
func (e Endpoint) String() string {
	if e.pin == "" {
		return e.Address()
	}
	return e.Address() + "#" + string(e.pin)
}

// expected is the only node that may answer there, or empty.
func (e Endpoint) expected() zone.ID { return cmp.Or(e.pin, e.node) }

// Loopback reports whether the endpoint is on this machine for certain.
func (e Endpoint) Loopback() bool {
	if strings.EqualFold(strings.TrimSuffix(e.host, "."), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(e.host)
	return err == nil && addr.Unmap().IsLoopback()
}

// parseEndpoints reads a list of endpoints, all of which must be on loopback
// when the connection will be plain text.
func parseEndpoints(texts []string, prefix zone.Prefix, insecure bool) ([]Endpoint, error) {
	endpoints := make([]Endpoint, 0, len(texts))
	for _, text := range texts {
		endpoint, err := parseEndpoint(text, prefix)
		if err != nil {
			return nil, err
		}
		if insecure && !endpoint.Loopback() {
			return nil, fmt.Errorf("curator endpoint %s: plain text is for loopback only: use credentials instead of insecure", endpoint)
		}
		endpoints = append(endpoints, endpoint)
	}
	return endpoints, nil
}
