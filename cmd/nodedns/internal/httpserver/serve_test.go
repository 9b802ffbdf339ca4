package httpserver

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
)

// serve starts an endpoint on loopback, which ends with the test.
func serve(t *testing.T, handler http.Handler) (address string, end func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, handler, slog.New(slog.DiscardHandler)) }()
	var ended bool
	end = func() {
		if cancel(); ended {
			return
		}
		ended = true
		if err := <-served; err != nil {
			t.Errorf("Serve returned %v, want nil", err)
		}
	}
	t.Cleanup(end)
	return l.Addr().String(), end
}

func greet(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	address, end := serve(t, http.HandlerFunc(greet))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A reply shows that the connection was accepted; until then the kernel
	// would reset it.
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: nodedns\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	end()
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the idle connection ends with %v, want it closed", err)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("the listener is open after the end")
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	err = Serve(t.Context(), l, http.HandlerFunc(greet), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("got error %v, want one that names the listener", err)
	}
}

func TestServeBoundsConnections(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, http.HandlerFunc(greet))
	conns := make([]net.Conn, maxConnections)
	for i := range conns {
		conns[i] = ask(t, address)
	}
	over := ask(t, address)
	if _, err := http.ReadResponse(bufio.NewReader(over), nil); err == nil {
		t.Error("a connection beyond the limit is served")
	}
	for _, conn := range conns {
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Errorf("a connection within the limit: %v", err)
		}
	}
}

// ask sends a request and leaves the connection open.
func ask(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	// Beyond the limit this may fail, which the reading then shows.
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	return conn
}

func TestServeBoundsHeaders(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, http.HandlerFunc(greet))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // the server may also close before all of it is sent
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s, want the headers refused", response.Status)
	}
}
