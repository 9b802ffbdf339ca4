package osfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteRecord(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state", "records")
	path := filepath.Join(dir, "record")
	for _, text := range []string{"one", "two"} {
		must(t, WriteRecord(path, []byte(text)))
		if got, err := Read(path, limit); string(got) != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, path: 0o600} {
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
