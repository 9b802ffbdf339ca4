package osfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const limit = 8
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"empty": "", "full": "12345678", "larger": "123456789"} {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, err := range map[string]error{
		"link":      os.Symlink("full", path("link")),
		"fifo":      unix.Mkfifo(path("fifo"), 0o600),
		"to a fifo": os.Symlink("fifo", path("to a fifo")),
		"directory": os.Mkdir(path("directory"), 0o700),
	} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, tt := range []struct {
		path, want string
		err        error
		says       string
	}{
		{path("empty"), "", nil, ""},
		{path("full"), "12345678", nil, ""},
		{path("link"), "12345678", nil, ""},
		{path("larger"), "", ErrTooLarge, "larger than the limit of 8 bytes"},
		{path("fifo"), "", ErrNotRegular, "a FIFO"},
		{path("to a fifo"), "", ErrNotRegular, "a FIFO"},
		{path("directory"), "", ErrNotRegular, "a directory"},
		{"/dev/null", "", ErrNotRegular, "a device"},
		{path("absent"), "", fs.ErrNotExist, ""},
	} {
		got, err := Read(tt.path, limit)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %v", tt.path, got, err, tt.want, tt.err)
		}
		if err != nil && (!strings.Contains(err.Error(), tt.path) || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s: the error is %q, want it to have the path and %q", tt.path, err, tt.says)
		}
	}
}
