package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
)

// serviceManager receives what a daemon in this process sends to the service
// manager.
type serviceManager struct {
	t      *testing.T
	socket *net.UnixConn
}

// newServiceManager sets the environment: its test cannot be parallel.
func newServiceManager(t *testing.T, dir string) *serviceManager {
	t.Helper()
	path := filepath.Join(dir, "notify.sock")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return &serviceManager{t, socket}
}

func (s *serviceManager) hear() string {
	s.t.Helper()
	buffer := make([]byte, 1024)
	n, err := s.socket.Read(buffer)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(buffer[:n])
}

func (s *serviceManager) expect(want string) {
	s.t.Helper()
	if got := s.hear(); !regexp.MustCompile("^" + want + "$").MatchString(got) {
		s.t.Errorf("got %q, want %s", got, want)
	}
}

// What is sent to systemd, in its order.
func TestNotify(t *testing.T) {
	m := newMachine(t)
	s := newServiceManager(t, m.dir)
	reloads := make(chan os.Signal)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	d := m.daemon(io.Discard)
	go func() { ended <- d.run(ctx, reloads) }()
	s.expect("READY=1")
	s.expect("STATUS=(ready|degraded), . nodes, curator off.*") // the address may come a moment later
	reloads <- unix.SIGHUP
	s.expect("RELOADING=1\nMONOTONIC_USEC=[0-9]+")
	s.expect("READY=1")
	cancel()
	s.expect("STOPPING=1")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// With a watchdog there is a ping at once, and another one for each quarter of
// its time.
func TestWatchdog(t *testing.T) {
	m := newMachine(t)
	s := newServiceManager(t, m.dir)
	t.Setenv("WATCHDOG_USEC", "300000")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	d := m.daemon(io.Discard)
	go func() { ended <- d.run(ctx, nil) }()
	for pings := 0; pings < 3; {
		if s.hear() == "WATCHDOG=1" {
			pings++
		}
	}
	cancel()
	for s.hear() != "STOPPING=1" { // pings that were on their way
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestStatusLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		reasons []string
		want    string
	}{
		{"nothing wrong", nil, "ready, 3 nodes, curator connected"},
		{"one reason", []string{"a"}, "ready, 3 nodes, curator connected; a"},
		{"the first of the reasons", []string{"a", "b", "c"}, "ready, 3 nodes, curator connected; a (and 2 more)"},
		{"a reason that could be taken for a state", []string{"a\nREADY=0"}, "ready, 3 nodes, curator connected; a READY=0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status := nodedns.Status{
				State: nodedns.StateReady, Nodes: zone.Counts{Live: 3},
				Curator: curator.Status{State: curator.StateConnected},
			}
			for _, text := range tt.reasons {
				status.Verdict.Reasons = append(status.Verdict.Reasons, verdict.Reason{Text: text})
			}
			got := statusLine(status)
			if got != tt.want || strings.Contains(got, "\n") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
