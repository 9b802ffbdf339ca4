package nodedns

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// varlinkPath is one of a length that a socket may have.
func varlinkPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodedns-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "run", "io.systemd.Resolve")
}

// ask sends one call to a socket.
func ask(t *testing.T, path, call string) (string, error) {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(deadline))
	if _, err := conn.Write([]byte(call + "\x00")); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString(0)
}

const whereAreWe = `{"method":"io.systemd.Resolve.ResolveHostname","parameters":{"name":"` + self + `"}}`

// The sockets are there when the service is ready, whatever the root of the
// files is, and gone when it has ended.
func TestVarlink(t *testing.T) {
	t.Parallel()
	path := varlinkPath(t)
	f := start(t, func(c *Config) { c.VarlinkSocket = path })
	if got, err := ask(t, path, whereAreWe); err != nil || !strings.Contains(got, "NetworkDown") {
		t.Errorf("without an address: got %s, %v", got, err)
	}
	f.publish("192.0.2.1")
	if got, err := ask(t, path, whereAreWe); err != nil || !strings.Contains(got, "[192,0,2,1]") {
		t.Errorf("got %s, %v", got, err)
	}
	monitored, err := ask(t, path+".Monitor", `{"method":"io.systemd.Resolve.Monitor.SubscribeQueryResults","more":true}`)
	if err != nil || !strings.Contains(monitored, "ready") {
		t.Errorf("monitor: got %s, %v", monitored, err)
	}
	status := f.Status()
	if v := status.Varlink; v == nil || v.Socket != path || v.Error != "" || len(v.Stats.Calls) != 2 || status.State != StateReady {
		t.Errorf("status is %+v", v)
	}
	f.stop()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for _, socket := range []string{path, path + ".Monitor"} {
		if _, err := os.Lstat(socket); err == nil {
			t.Errorf("%s is still there", socket)
		}
	}
}

// Where another resolver has the socket we wait until it is gone, and all the
// rest works.
func TestVarlinkOfAnotherResolver(t *testing.T) {
	t.Parallel()
	path := varlinkPath(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, func(c *Config) { c.VarlinkSocket = path })
	f.eventually("the status tells", func() bool {
		s := f.Status()
		return s.State == StateDegraded && strings.Contains(s.Varlink.Error, "another process serves") &&
			strings.Contains(strings.Join(s.Errors, "\n"), "varlink.socket")
	})
	f.publish("192.0.2.1")
	if got := f.lookup(self); got != "192.0.2.1" {
		t.Errorf("over DNS: %s", got)
	}
	other.Close()
	f.eventually("the socket is ours", func() bool {
		got, err := ask(t, path, whereAreWe)
		return err == nil && strings.Contains(got, "[192,0,2,1]")
	})
	if n := strings.Count(f.logged.String(), "another process serves"); n != 1 {
		t.Errorf("that is logged %d times, want once", n)
	}
}

func TestNoVarlink(t *testing.T) {
	t.Parallel()
	if f := start(t); f.Status().Varlink != nil {
		t.Error("there is a socket that nobody asked for")
	}
}
