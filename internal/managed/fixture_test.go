package managed

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// scratch is a root with an etc directory, and a state directory beside it.
type scratch struct {
	root, state string
}

func newScratch(t testing.TB) scratch {
	t.Helper()
	dir := t.TempDir()
	s := scratch{filepath.Join(dir, "root"), filepath.Join(dir, "state")}
	if err := os.MkdirAll(filepath.Join(s.root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s scratch) path(name string) string { return filepath.Join(s.root, name) }

func (s scratch) file(name string) File {
	return File{Root: s.root, Path: name, State: s.state, MaxSize: 1 << 20, System: RealSystem(), Logger: slog.New(slog.DiscardHandler)}
}

func write(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s holds\n%.1000q\nwant\n%.1000q", filepath.Base(path), got, want)
	}
}

func wantNone(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s exists (%v), want none", path, err)
	}
}

// wantNoLeftovers checks that no temporary file and no undo record stayed.
func (s scratch) wantNoLeftovers(t testing.TB) {
	t.Helper()
	for _, pattern := range []string{s.path("etc/.*"), filepath.Join(s.state, overwrites, "*")} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			t.Errorf("left behind: %q", found)
		}
	}
}
