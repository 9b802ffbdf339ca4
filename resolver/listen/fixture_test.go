package listen

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// answerer is a Handler made of a function.
type answerer func(message []byte, client Client, buffer []byte) ([]byte, Wait)

func (f answerer) Handle(message []byte, client Client, buffer []byte) ([]byte, Wait) {
	return f(message, client, buffer)
}

// echo answers with the query.
var echo answerer = func(message []byte, _ Client, buffer []byte) ([]byte, Wait) {
	return append(buffer, message...), nil
}

// start serves on addresses until the test ends.
func start(t testing.TB, h Handler, limits Limits, addrs ...string) *Sockets {
	t.Helper()
	var listen []netip.AddrPort
	for _, addr := range addrs {
		listen = append(listen, netip.MustParseAddrPort(addr))
	}
	if listen == nil {
		listen = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}
	}
	s, err := Bind(listen)
	if err != nil {
		t.Fatal(err)
	}
	s.Limits = limits
	serve(t, s, h)
	return s
}

// serve serves on sockets until the test ends.
func serve(t testing.TB, s *Sockets, h Handler) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, only(h)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// client is a connection whose reads fail after a time that is only reached
// when something is wrong.
type client struct {
	t testing.TB
	net.Conn
}

func dial(t testing.TB, network string, addr netip.AddrPort) client {
	t.Helper()
	conn, err := net.Dial(network, addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return client{t, conn}
}

// message is a text padded to the length of a header.
func message(text string) string { return text + string(make([]byte, max(0, minMessage-len(text)))) }

func frame(text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
}

func (c client) send(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c client) wantFrame(text string) {
	c.t.Helper()
	want := frame(text)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != string(want) {
		c.t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// wantEnd wants the other side to have closed the connection.
func (c client) wantEnd() {
	c.t.Helper()
	n, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if n > 0 || err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("read %d octets, %v; want the end", n, err)
	}
}

// only makes one Handler serve all sockets.
func only(h Handler) func() Handler { return func() Handler { return h } }
