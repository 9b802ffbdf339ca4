package varlink

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

const (
	hostnameCall = `{"method":"io.systemd.Resolve.ResolveHostname","parameters":%s}`
	addressCall  = `{"method":"io.systemd.Resolve.ResolveAddress","parameters":%s}`

	v4Entry = `{"family":2,"address":[192,0,2,1]}`
	v6Entry = `{"family":10,"address":[254,128,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}`
)

func failed(id, parameter string) string {
	if parameter == "" {
		return `{"parameters":{},"error":"` + id + `"}`
	}
	return `{"parameters":{"parameter":"` + parameter + `"},"error":"` + id + `"}`
}

func invalid(parameter string) string {
	return failed("org.varlink.service.InvalidParameter", parameter)
}

// Shows RFC 1123 2.1c.
// Shows io.systemd.Resolve ResolveHostname, ifindex.
func TestResolveHostname(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	start(t, s)
	c := dial(t, s)
	found := func(name string, flags Flags, entries ...string) string {
		return fmt.Sprintf(`{"parameters":{"addresses":[%s],"name":%q,"flags":%d}}`, strings.Join(entries, ","), name, flags)
	}
	const answered = ProtocolDNS | FromNetwork
	const literally = ProtocolDNS | Authenticated | Confidential | Synthetic
	for _, tt := range []struct{ name, parameters, want string }{
		{"no family", `{"name":"a"}`, found("canonical.a", answered, v4Entry, v6Entry)},
		{"as nss-resolve asks", `{"name":"a","flags":0}`, found("canonical.a", answered, v4Entry, v6Entry)},
		// It aborts the calling program when it gets another one.
		{"only IPv4", `{"name":"a","family":2}`, found("canonical.a", answered, v4Entry)},
		{"only IPv6", `{"name":"a","family":10}`, found("canonical.a", answered, v6Entry)},
		{"both, spelled out", `{"name":"a","family":0,"ifindex":0}`, found("canonical.a", answered, v4Entry, v6Entry)},
		{"absent values", `{"name":"a","family":null,"ifindex":null,"flags":null}`, found("canonical.a", answered, v4Entry, v6Entry)},
		{"an interface", `{"name":"a","ifindex":7}`, found("canonical.a", answered, v4Entry, `{"ifindex":7,`+v6Entry[1:])},
		{"a field of later versions", `{"name":"a","family":2,"later":{}}`, found("canonical.a", answered, v4Entry)},
		{"all that may be asked for", `{"name":"a","family":2,"flags":50396479}`, found("canonical.a", answered, v4Entry)},

		{"an address", `{"name":"192.0.2.1"}`, found("192.0.2.1", literally, v4Entry)},
		{"an address of the other family", `{"name":"192.0.2.1","family":10}`, failed("io.systemd.Resolve.NoSuchResourceRecord", "")},
		{"an address on an interface", `{"name":"fe80::1%1"}`, found("fe80::1%1", literally, `{"ifindex":1,`+v6Entry[1:])},
		{"an interface by its name", `{"name":"fe80::1%lo"}`, found("fe80::1%lo", literally, `{"ifindex":1,`+v6Entry[1:])},
		{"an address on another interface", `{"name":"fe80::1%1","ifindex":2}`, failed("io.systemd.Resolve.NoSuchResourceRecord", "")},
		{"no such interface", `{"name":"fe80::1%nowhere"}`, failed("io.systemd.Resolve.NoSuchResourceRecord", "")},

		{"family unknown", `{"name":"a","family":1}`, invalid("family")},
		{"family a text", `{"name":"a","family":"2"}`, invalid("family")},
		{"family huge", `{"name":"a","family":1e400}`, invalid("family")},
		{"interface negative", `{"name":"a","ifindex":-1}`, invalid("ifindex")},
		{"no name", `{}`, invalid("name")},
		{"name a number", `{"name":1}`, invalid("name")},
		{"flags unknown", `{"name":"a","flags":64}`, invalid("flags")},
		{"flags negative", `{"name":"a","flags":-1}`, invalid("flags")},
		{"another protocol only", `{"name":"a","flags":2}`, failed("io.systemd.Resolve.NoNameServers", "")},
		{"no object", `[]`, invalid("parameters")},
	} {
		if got := c.call(fmt.Sprintf(hostnameCall, tt.parameters)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// No reply has an empty list: nss-resolve would abort the program.
// Shows io.systemd.Resolve empty.
func TestResolveHostnameToNothing(t *testing.T) {
	t.Parallel()
	r := host()
	r.hostname = func(context.Context, HostnameQuestion) (Addresses, error) { return Addresses{Canonical: "a"}, nil }
	r.address = func(context.Context, AddressQuestion) (Names, error) { return Names{}, nil }
	s := newTestServer(t, Resolve(r))
	start(t, s)
	c, want := dial(t, s), failed("io.systemd.Resolve.NoSuchResourceRecord", "")
	if got := c.call(fmt.Sprintf(hostnameCall, `{"name":"a"}`)); got != want {
		t.Errorf("got %s", got)
	}
	if got := c.call(fmt.Sprintf(addressCall, `{"family":2,"address":[1,2,3,4]}`)); got != want {
		t.Errorf("got %s", got)
	}
}

// Shows io.systemd.Resolve ResolveAddress.
func TestResolveAddress(t *testing.T) {
	t.Parallel()
	s := newTestServer(t, Resolve(host()))
	start(t, s)
	c := dial(t, s)
	for _, tt := range []struct{ name, parameters, want string }{
		{
			"IPv4", `{"family":2,"address":[192,0,2,1],"flags":0}`,
			`{"parameters":{"names":[{"name":"one.example"},{"name":"192.0.2.1"}],"flags":2097153}}`,
		},
		{
			"IPv6", `{"family":10,"address":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1],"ifindex":3}`,
			`{"parameters":{"names":[{"name":"one.example"},{"name":"2001:db8::1"}],"flags":2097153}}`,
		},
		{"too short", `{"family":2,"address":[192,0,2]}`, failed("io.systemd.Resolve.BadAddressSize", "")},
		{"of the other family", `{"family":10,"address":[192,0,2,1]}`, failed("io.systemd.Resolve.BadAddressSize", "")},
		{"none", `{"family":2}`, failed("io.systemd.Resolve.BadAddressSize", "")},
		{"no octet", `{"family":2,"address":[192,0,2,256]}`, invalid("address")},
		{"a negative one", `{"family":2,"address":[192,0,2,-1]}`, invalid("address")},
		{"not a list", `{"family":2,"address":"wAACAQ=="}`, invalid("address")},
		{"no family", `{"address":[192,0,2,1]}`, invalid("family")},
		{"interface negative", `{"family":2,"address":[192,0,2,1],"ifindex":-3}`, invalid("ifindex")},
		{"flags unknown", `{"family":2,"address":[192,0,2,1],"flags":128}`, invalid("flags")},
		{"no parameters", `null`, invalid("family")},
	} {
		if got := c.call(fmt.Sprintf(addressCall, tt.parameters)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// The resolver gets the question that the client asked.
// Shows io.systemd.Resolve flags.
func TestQuestions(t *testing.T) {
	t.Parallel()
	var asked HostnameQuestion
	r := host()
	r.hostname = func(_ context.Context, q HostnameQuestion) (Addresses, error) {
		asked = q
		return Addresses{}, ErrNameError
	}
	s := newTestServer(t, Resolve(r))
	start(t, s)
	c := dial(t, s)
	for parameters, want := range map[string]HostnameQuestion{
		`{"name":"a b.\u00fc\u0000"}`:               {Name: "a b.ü\x00", V4: true, V6: true},
		`{"name":"","family":2,"flags":256}`:        {V4: true, Flags: NoSearch},
		`{"name":"a.","family":10,"flags":1048609}`: {}, // FromCache cannot be requested
		`{"name":"a.","family":10,"flags":33}`:      {Name: "a.", V6: true, Flags: ProtocolDNS | NoCNAME},
	} {
		asked = HostnameQuestion{}
		c.call(fmt.Sprintf(hostnameCall, parameters))
		if asked != want {
			t.Errorf("%s: asked %+v, want %+v", parameters, asked, want)
		}
	}
}

// Shows io.systemd.Resolve errors, extended.
func TestResolverErrors(t *testing.T) {
	t.Parallel()
	var next error
	r := host()
	r.hostname = func(context.Context, HostnameQuestion) (Addresses, error) { return Addresses{}, next }
	s := newTestServer(t, Resolve(r))
	start(t, s)
	c := dial(t, s)
	for _, tt := range []struct {
		err  error
		want string
	}{
		{ErrNetworkDown, failed("io.systemd.Resolve.NetworkDown", "")},
		{ErrNameError, `{"parameters":{"rcode":3},"error":"io.systemd.Resolve.DNSError"}`},
		{ErrNameError.Because(15, "of ours"), `{"parameters":{"extendedDNSErrorCode":15,"extendedDNSErrorMessage":"of ours","rcode":3},"error":"io.systemd.Resolve.DNSError"}`},
		{ErrNetworkDown.Because(0, ""), `{"parameters":{"extendedDNSErrorCode":0},"error":"io.systemd.Resolve.NetworkDown"}`},
		{fmt.Errorf("while asking: %w", ErrNoNameServers), failed("io.systemd.Resolve.NoNameServers", "")},
	} {
		next = tt.err
		if got := c.call(fmt.Sprintf(hostnameCall, `{"name":"a"}`)); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.err, got, tt.want)
		}
	}
	next = errors.New("what we did wrong")
	c.send(fmt.Sprintf(hostnameCall, `{"name":"a"}`))
	if reply, err := c.receive(); err == nil {
		t.Errorf("an error of ours is sent: %s", reply)
	}
}

// Shows io.systemd.Resolve ifindex.
func TestEntryOfAnAddressOnNoInterface(t *testing.T) {
	t.Parallel()
	if _, ok := newEntry(netip.Addr{}, 0); ok {
		t.Error("no address makes an entry")
	}
	if entry, ok := newEntry(netip.MustParseAddr("2001:db8::1"), 5); !ok || entry.Ifindex != 0 {
		t.Errorf("got %+v, want no interface for an address that needs none", entry)
	}
	if _, ok := newEntry(netip.MustParseAddr("fe80::1%0"), 0); ok {
		t.Error("interface 0 is one")
	}
}
