package curator

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/zone"
)

// endpointsAt are the endpoints that some texts are.
func endpointsAt(texts ...string) []Endpoint {
	endpoints := make([]Endpoint, len(texts))
	for i, text := range texts {
		if err := endpoints[i].UnmarshalText([]byte(text)); err != nil {
			panic(err)
		}
	}
	return endpoints
}

// parseIn reads an endpoint of a cluster.
func parseIn(text string, prefix zone.Prefix) (Endpoint, error) {
	e, err := ParseEndpoint(text)
	if err != nil {
		return e, err
	}
	return e.In(prefix)
}

func TestParseEndpoint(t *testing.T) {
	t.Parallel()
	node := nodeID(0xa)
	for text, want := range map[string]string{
		"192.0.2.1:7835":              "192.0.2.1:7835",
		"[2001:db8::1]:1":             "[2001:db8::1]:1",
		"[FE80::1%Eth0]:7835":         "[fe80::1%Eth0]:7835",
		"curator.example:65535":       "curator.example:65535",
		"Curator.Example.:7835":       "curator.example.:7835",
		"localhost:7835":              "localhost:7835",
		node:                          node + ":7835",
		node + ":1234":                node + ":1234",
		strings.ToUpper(node):         node + ":7835",
		strings.ToUpper(node) + ":12": node + ":12",
		"192.0.2.1:7835#" + node:      "192.0.2.1:7835#" + node,
		node + "#" + node:             node + ":7835#" + node,
	} {
		got, err := parseIn(text, prefix)
		if err != nil || got.String() != want {
			t.Errorf("%q gives %q, %v; want %q", text, got, err, want)
		}
		if pinned := strings.Contains(text, "#"); pinned && got.expected() != zone.ID(node) || strings.Contains(got.Address(), "#") {
			t.Errorf("%q is dialled at %q and expects %q", text, got.Address(), got.expected())
		}
		if again, err := parseIn(got.String(), prefix); err != nil || again != got {
			t.Errorf("%q is %q, which is read as %q, %v", text, got, again, err)
		}
		if isNode := strings.HasPrefix(want, node); isNode != (got.node != "") {
			t.Errorf("%q is a node: %v", text, got.node != "")
		}
	}
	for text, reason := range map[string]string{
		"":                                   "HOST:PORT",
		"curator.example":                    "as it is no node ID; write curator.example:7835",
		"192.0.2.1":                          "HOST:PORT, HOST:PORT#NODE-ID or a node ID",
		"2001:db8::1":                        "HOST:PORT",
		"2001:db8::1:7835":                   "HOST:PORT",
		node[:len(node)-1]:                   "as it is no node ID",
		":7835":                              "an IP address, a host name or a node ID",
		"host:":                              "from 1 to 65535",
		"host:0":                             "from 1 to 65535",
		"host:65536":                         "from 1 to 65535",
		"host:grpc":                          "from 1 to 65535",
		"192.0.2.1:7835#":                    "HOST:PORT#NODE-ID",
		"192.0.2.1:7835#web-2":               "behind the #",
		node + "#" + nodeID(0xb):             "behind the #",
		"192.0.2.1#" + node:                  "HOST:PORT",
		"https://host:7835":                  "HOST:PORT",
		"ho st:7835":                         "a host name",
		"-host:7835":                         "a host name",
		"host..example:7835":                 "a host name",
		"0.0.0.0:7835":                       "the address of a machine",
		"[::]:7835":                          "the address of a machine",
		"[ff02::1]:7835":                     "the address of a machine",
		"user@host:7835":                     "a host name",
		"999.999.999.999:abc":                "from 1 to 65535",
		strings.Repeat("a.", 200) + "a:7835": "a host name",
	} {
		if got, err := parseIn(text, prefix); err == nil {
			t.Errorf("%q gives %q, want an error", text, got)
		} else if !strings.Contains(err.Error(), reason) {
			t.Errorf("%q gives the error %q, which does not say %q", text, err, reason)
		}
	}
}

func TestInsecureIsForLoopback(t *testing.T) {
	t.Parallel()
	for endpoint, allowed := range map[string]bool{
		"127.0.0.1:7835":          true,
		"127.9.9.9:7835":          true,
		"[::1]:7835":              true,
		"[::ffff:127.0.0.1]:7835": true,
		"localhost:7835":          true,
		"LOCALHOST.:7835":         true,
		"192.0.2.1:7835":          false,
		"[2001:db8::1]:7835":      false,
		"localhost.example:7835":  false,
		"a.localhost:7835":        false,
		nodeID(1):                 false,
	} {
		_, err := New(Config{Endpoints: endpointsAt(endpoint), Insecure: true, Prefix: prefix}, newRecorder())
		if (err == nil) != allowed {
			t.Errorf("%s: err = %v, allowed: %v", endpoint, err, allowed)
		}
		if _, err := New(Config{Endpoints: endpointsAt(endpoint), Prefix: prefix}, newRecorder()); err != nil {
			t.Errorf("%s with TLS: %v", endpoint, err)
		}
	}
	w, err := New(Config{Insecure: true, Prefix: prefix}, newRecorder())
	must(t, err)
	if err := w.SetEndpoints(endpointsAt("127.0.0.1:1", "192.0.2.1:1")); err == nil {
		t.Error("SetEndpoints takes what New refuses")
	}
}

// A name is checked by what it resolves to.
func TestInsecureDialRefusesOtherAddresses(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"192.0.2.1:1", "[2001:db8::1]:1"} {
		if isLoopback(tcpAddr(addr)) {
			t.Errorf("%s counts as loopback", addr)
		}
	}
	for _, addr := range []string{"127.0.0.1:1", "[::1]:1"} {
		if !isLoopback(tcpAddr(addr)) {
			t.Errorf("%s does not count as loopback", addr)
		}
	}
}

func TestNodeEndpointWithoutAddress(t *testing.T) {
	t.Parallel()
	endpoint, err := parseIn(nodeID(1), prefix)
	must(t, err)
	for name, resolve := range map[string]func(zone.ID) []netip.Addr{
		"no resolver": nil,
		"not known":   func(zone.ID) []netip.Addr { return nil },
	} {
		w := &Watcher{cfg: Config{Resolve: resolve}}
		if _, err := w.connect(t.Context(), endpoint); err == nil || !strings.Contains(err.Error(), "host:port") {
			t.Errorf("%s: err = %v, want one with the remedy", name, err)
		}
	}
}

func tcpAddr(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }
