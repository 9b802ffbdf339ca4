package varlink

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
)

func asking(t *testing.T, path string) *Client {
	t.Helper()
	c := NewClient(path)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClient(t *testing.T) {
	t.Parallel()
	r := host()
	r.hostname = func(ctx context.Context, q HostnameQuestion) (Addresses, error) {
		if q.Name == "nobody" {
			return Addresses{}, ErrNameError
		}
		return host().hostname(ctx, q)
	}
	s := newTestServer(t, Resolve(r))
	start(t, s)
	c := asking(t, s.path)
	for _, tt := range []struct {
		name   string
		v4, v6 bool
		want   string
	}{
		{"a", true, true, "canonical.a [192.0.2.1 fe80::1]"},
		{"a", true, false, "canonical.a [192.0.2.1]"},
		{"a", false, true, "canonical.a [fe80::1]"},
		{"fe80::1%1", false, true, "fe80::1%1 [fe80::1%1]"},
	} {
		found, err := c.ResolveHostname(t.Context(), HostnameQuestion{Name: tt.name, V4: tt.v4, V6: tt.v6})
		if got := fmt.Sprint(found.Canonical, " ", found.All); err != nil || got != tt.want || found.Flags&ProtocolDNS == 0 {
			t.Errorf("%s: got %s with flags %#x, %v, want %s", tt.name, got, found.Flags, err, tt.want)
		}
	}
	if _, err := c.ResolveHostname(t.Context(), HostnameQuestion{Name: "nobody", V4: true}); !errors.Is(err, ErrNameError) {
		t.Errorf("nobody: %v", err)
	}
	for _, addr := range []string{"192.0.2.7", "2001:db8::7"} {
		names, err := c.ResolveAddress(t.Context(), AddressQuestion{Addr: netip.MustParseAddr(addr)})
		if got := fmt.Sprint(names.All); err != nil || got != "[one.example "+addr+"]" {
			t.Errorf("%s: got %s, %v", addr, got, err)
		}
	}
	if stats := s.Stats(); stats.Connections != 1 {
		t.Errorf("it took %d connections", stats.Connections)
	}
	// One that was closed meanwhile is opened again.
	s.pool.closeAll()
	if _, err := c.ResolveHostname(t.Context(), HostnameQuestion{Name: "a", V4: true}); err != nil {
		t.Errorf("after the connection was closed: %v", err)
	}
}

// What nss-resolve would not accept is not accepted.
func TestClientIsStrict(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ reply, want string }{
		{"", "hung up"},
		{"garbage\x00", "read a varlink reply"},
		{`{"parameters":3}` + "\x00", "read a varlink reply"},
		{`{"parameters":{"addresses":[{"family":2,"address":[1,2,3]}]}}` + "\x00", "no address"},
		{`{"parameters":{"addresses":[{"address":[1,2,3,4]}]}}` + "\x00", "no address"},
		{`{"parameters":{"addresses":[{"family":10,"address":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1]}]}}` + "\x00", "not asked for"},
		{strings.Repeat(" ", maxReply+1), "longer than"},
	} {
		path := filepath.Join(t.TempDir(), "socket")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = bufio.NewReader(conn).ReadString(0)
			_, _ = conn.Write([]byte(tt.reply))
		}()
		_, err = asking(t, path).ResolveHostname(t.Context(), HostnameQuestion{Name: "a", V4: true})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.80q: got %v, want %q", tt.reply, err, tt.want)
		}
		l.Close()
	}
}

// A service that does not reply does not delay a client that gives up.
func TestClientEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r, asked := host(), make(chan struct{})
	r.hostname = func(ctx context.Context, _ HostnameQuestion) (Addresses, error) {
		close(asked)
		<-ctx.Done()
		return Addresses{}, ctx.Err()
	}
	s := newTestServer(t, Resolve(r))
	start(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := asking(t, s.path).ResolveHostname(ctx, HostnameQuestion{Name: "a", V4: true}); err == nil {
		t.Error("it was answered")
	}
}
