package nss

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
)

var ours = netip.MustParseAddrPort("127.0.0.53:53")

// configOf is one below a directory, with these files, and addresses of both
// families whatever this one has. Its path is short enough for a socket.
func configOf(t *testing.T, files map[string]string) *Config {
	t.Helper()
	root, err := os.MkdirTemp("", "nss-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	for path, text := range files {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Read(machine.Machine{Root: root})
	if err != nil {
		t.Fatal(err)
	}
	m.hostname, m.v4, m.v6 = "box", true, true
	return m
}

// daemon answers from a table of names and types; what is not in it does not
// exist.
type daemon map[string]Answer

func (d daemon) ask(_ context.Context, name, typ string) (Answer, error) {
	a, ok := d[name+" "+typ]
	switch {
	case !ok:
		return Answer{Rcode: "NXDOMAIN", From: "zone"}, nil
	case a.Rcode == "":
		a.Rcode = "NOERROR"
	}
	return a, nil
}

func data(texts ...string) Answer { return Answer{Data: texts, From: "zone"} }

func failure(rcode string) Answer { return Answer{Rcode: rcode, From: "upstream"} }

var errDaemon = errors.New("the daemon is gone")

// serveVarlink answers each connection's one call with a reply, and returns the
// calls.
func serveVarlink(t *testing.T, m *Config, reply string) <-chan map[string]any {
	t.Helper()
	path := filepath.Join(m.machine.Root, machine.VarlinkSocket)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	calls, done := make(chan map[string]any, 100), make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			text, _ := bufio.NewReader(conn).ReadBytes(0)
			var call map[string]any
			if len(text) > 0 && json.Unmarshal(text[:len(text)-1], &call) == nil {
				calls <- call
				_, _ = conn.Write([]byte(reply))
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return calls
}
