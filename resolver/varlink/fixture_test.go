package varlink

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeResolver answers by its fields.
type fakeResolver struct {
	hostname func(context.Context, HostnameQuestion) (Addresses, error)
	address  func(context.Context, AddressQuestion) (Names, error)
}

func (f *fakeResolver) ResolveHostname(ctx context.Context, q HostnameQuestion) (Addresses, error) {
	return f.hostname(ctx, q)
}

func (f *fakeResolver) ResolveAddress(ctx context.Context, q AddressQuestion) (Names, error) {
	return f.address(ctx, q)
}

// host has both families and all names, whatever the question.
func host() *fakeResolver {
	return &fakeResolver{
		hostname: func(_ context.Context, q HostnameQuestion) (Addresses, error) {
			return Addresses{
				All:       []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")},
				Canonical: "canonical." + q.Name, Flags: ProtocolDNS | FromNetwork,
			}, nil
		},
		address: func(_ context.Context, q AddressQuestion) (Names, error) {
			return Names{All: []string{"one.example", q.Addr.String()}, Flags: ProtocolDNS | FromZone}, nil
		},
	}
}

// newTestServer has a socket in a directory of its own, whose path is short.
func newTestServer(t testing.TB, interfaces ...Interface) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodedns-varlink-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return New(Config{Path: filepath.Join(dir, "socket"), Mode: Everybody, Interfaces: interfaces})
}

// start runs a server until the test ends, or end is called.
func start(t testing.TB, s *Server) (end func()) {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	end = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(end)
	return end
}

// client is a connection to a server.
type client struct {
	t testing.TB
	net.Conn
	reader *bufio.Reader
}

func dial(t testing.TB, s *Server) *client {
	t.Helper()
	conn, err := net.Dial("unix", s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t, conn, bufio.NewReader(conn)}
}

// send sends messages in one write. An error is of the other end, which may not
// read all of it.
func (c *client) send(messages ...string) {
	_, _ = c.Write([]byte(strings.Join(messages, "\x00") + "\x00"))
}

// receive returns the next reply, or the error of the connection.
func (c *client) receive() (string, error) {
	text, err := c.reader.ReadString(0)
	return strings.TrimSuffix(text, "\x00"), err
}

func (c *client) call(message string) string {
	c.t.Helper()
	c.send(message)
	reply, err := c.receive()
	if err != nil {
		c.t.Fatalf("%s: %v", message, err)
	}
	return reply
}
