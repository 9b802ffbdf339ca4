package control

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// directory is one with a short path, as a socket's must be.
func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodedns-control-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestListen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(directory(t), "control.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o666 {
		t.Errorf("got %v, %v, want a socket for everybody", info, err)
	}
	if _, err := Listen(path); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), path) ||
		!strings.Contains(err.Error(), "control.socket") {
		t.Errorf("a second daemon gets %v, want what to do about the first", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	l.Unlock()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "control socket") {
		t.Errorf("in the place of a file: %v, want an error that is not about another daemon", err)
	}
}
