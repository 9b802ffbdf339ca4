package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFlush(t *testing.T) {
	t.Parallel()
	client := serve(t, Handler(Daemon{
		Flush: func() int { return 12 },
		FlushName: func(name string) (int, error) {
			if name == "a..b" {
				return 0, errors.New("no name")
			}
			return len(name), nil
		},
	}))
	if got, err := client.Flush(t.Context()); err != nil || got.Answers != 12 {
		t.Errorf("all: got %v, %v", got, err)
	}
	for _, name := range []string{".", "www.example.org", "a&name=b"} {
		if got, err := client.FlushName(t.Context(), name); err != nil || got.Answers != len(name) {
			t.Errorf("%q: got %v, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{"a..b": "no name", "": "the name is empty"} {
		_, err := client.FlushName(t.Context(), name)
		if !errors.As(err, new(*RequestError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want the daemon's own words", name, err)
		}
	}
}

// Whoever is not root may look, and change nothing.
func TestChangesAreForRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("to connect as another user takes root")
	}
	client := serve(t, Handler(Daemon{
		Flush: func() int { t.Error("flush: it is done all the same"); return 0 },
		Reload: func(context.Context) (r Reloaded, err error) {
			t.Error("reload: it is done all the same")
			return r, nil
		},
		TrustCurator:  func(string) error { t.Error("trust: it is done all the same"); return nil },
		ResetCurators: func() { t.Error("reset: it is done all the same") },
	}))
	if err := os.Chmod(filepath.Dir(client.socket), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{flushPath, reloadPath, trustPath, resetPath} {
		conn := dialAs(t, client.socket, 65534)
		if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: nodedns\r\n\r\n", path); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text := new(strings.Builder)
		if _, err := bufio.NewReader(response.Body).WriteTo(text); err != nil || response.StatusCode != http.StatusForbidden || !strings.Contains(text.String(), "root") {
			t.Errorf("%s: got %s %s, %v", path, response.Status, text, err)
		}
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	refusal := errors.New("n.toml:3: zone.ttl: wrong\nn.toml:4: zone.colour: unknown")
	want := Reloaded{Changed: []string{"zone.ttl"}, Restart: []string{}, Warnings: []string{"a"}}
	var err error
	client := serve(t, Handler(Daemon{Reload: func(context.Context) (Reloaded, error) { return want, err }}))
	if got, err := client.Reload(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	err = refusal
	_, got := client.Reload(t.Context())
	// The request was right, so that trying again may help.
	if got == nil || got.Error() != refusal.Error() || errors.As(got, new(*RequestError)) {
		t.Errorf("got error %#v, want the daemon's own words", got)
	}
}

// dialAs connects as another user. That is a property of the thread in Linux; the
// thread ends with its goroutine, to which it stays locked.
func dialAs(t *testing.T, path string, uid int) net.Conn {
	t.Helper()
	type dialled struct {
		conn net.Conn
		err  error
	}
	result := make(chan dialled)
	go func() {
		runtime.LockOSThread()
		conn, err := func() (net.Conn, error) {
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
				return nil, errno
			}
			return net.Dial("unix", path)
		}()
		result <- dialled{conn, err}
	}()
	d := <-result
	if d.err != nil {
		t.Fatal(d.err)
	}
	t.Cleanup(func() { d.conn.Close() })
	return d.conn
}

func TestWhoIsNoPeer(t *testing.T) {
	t.Parallel()
	if err := mayChange(t.Context()); err == nil {
		t.Error("a request that came over no connection may change something")
	}
}
