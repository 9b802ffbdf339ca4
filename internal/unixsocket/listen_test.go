package unixsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// directory is one with a short path, as a socket's must be.
func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodedns-socket-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestListen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(directory(t), "run", "test.sock")
	l, err := Listen(path, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{
		path:               fs.ModeSocket | 0o666,
		filepath.Dir(path): fs.ModeDir | 0o755,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want mode %v", path, info, err, want)
		}
	}
	if _, err := Listen(path, 0o666); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("a second one gets %v, want that the first one has %s", err, path)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Listen(path, 0o666); !errors.Is(err, ErrInUse) {
		t.Errorf("while the first one ends a second one gets %v, want that it has to wait", err)
	}
	l.Unlock()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is there after its end: %v", err)
	}
	again, err := Listen(path, 0o666)
	if err != nil {
		t.Fatalf("after the end of the first one: %v", err)
	}
	again.Close()
	again.Unlock()
}

func TestListenReplacesOnlyStaleSockets(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		there func(t *testing.T, path string)
		want  string // in the error; empty: none
	}{
		{"a socket that is not served", func(t *testing.T, path string) {
			l := serveUNIX(t, path)
			l.SetUnlinkOnClose(false)
			l.Close()
		}, ""},
		{"a socket that another program serves", func(t *testing.T, path string) { serveUNIX(t, path) }, fmt.Sprintf("process %d", os.Getpid())},
		{"a file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is no socket"},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is no socket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(directory(t), "test.sock")
			tt.there(t, path)
			l, err := Listen(path, 0o666)
			if err == nil {
				defer l.Unlock()
				defer l.Close()
			}
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got error %v, want the socket replaced", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got error %v, want %q", err, tt.want)
			case tt.want != "":
				if _, err := os.Lstat(path); err != nil {
					t.Errorf("what was there is gone: %v", err)
				}
			}
		})
	}
}

func serveUNIX(t *testing.T, path string) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestListenWhereNothingCanBeMade(t *testing.T) {
	t.Parallel()
	file := filepath.Join(directory(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Listen(filepath.Join(file, "test.sock"), 0o666)
	if err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("got error %v, want one that is not about another process", err)
	}
}

// The directory may belong to another service, which must not have us make files
// elsewhere.
func TestLockIsNoLink(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	path, elsewhere := filepath.Join(dir, "test.sock"), filepath.Join(dir, "elsewhere")
	if err := os.Symlink(elsewhere, path+".lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, 0o666); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("got error %v, want one about the link", err)
	}
	if _, err := os.Lstat(elsewhere); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link was followed: %v", err)
	}
}

func TestListenNamesTheLimitOfThePath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", maxPath))
	_, err := Listen(filepath.Join(dir, "test.sock"), 0o666)
	if err == nil || !strings.Contains(err.Error(), "107 are possible") {
		t.Errorf("a path that is too long: %v", err)
	}
}

// A process that serves a path but is too busy to accept is alive.
func TestListenLeavesABusySocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(directory(t), "test.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	var waiting []net.Conn
	for {
		conn, err := net.Dial("unix", path)
		if err != nil {
			break
		}
		waiting = append(waiting, conn)
	}
	if _, err := Listen(path, 0o666); !errors.Is(err, ErrInUse) {
		t.Errorf("with a full queue: %v, want that it is in use", err)
	}
	for _, conn := range waiting {
		conn.Close()
	}
}

// What another program put in the place of ours is not removed.
func TestDisplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(directory(t), "test.sock")
	l, err := Listen(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	if err := l.Displaced(); err != nil {
		t.Errorf("at first: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if l.Displaced() == nil {
		t.Error("a removed socket is not noticed")
	}
	serveUNIX(t, path)
	if l.Displaced() == nil {
		t.Error("another socket is not noticed")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other socket was removed: %v", err)
	}
}

func TestPeerOf(t *testing.T) {
	t.Parallel()
	path := filepath.Join(directory(t), "test.sock")
	l := serveUNIX(t, path)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	want := Peer{UID: uint32(os.Geteuid()), PID: int32(os.Getpid())}
	for end, conn := range map[string]net.Conn{"client": conn, "server": accepted} {
		if got, err := PeerOf(conn); err != nil || got != want || !got.Trusted() {
			t.Errorf("at the %s's end: got %v, %v, want %v", end, got, err, want)
		}
	}
	if (Peer{UID: uint32(os.Geteuid()) + 1}).Trusted() {
		t.Error("another user is trusted")
	}
	if _, err := PeerOf(&net.TCPConn{}); err == nil {
		t.Error("another kind of connection has a peer")
	}
}
