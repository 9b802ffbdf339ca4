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

const limit = 8

// tree is a directory with one of each kind, and the expected result of a read
// of each.
func tree(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"empty": "", "full": "12345678", "larger": "123456789"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for name, target := range map[string]string{
		"link": "full", "to a fifo": "fifo", "dangling": "absent", "loop": "loop",
		"absolute": "/full", "up": "../../../../../../../full",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "directory"), 0o700))
	return dir
}

type outcome struct {
	path, want string
	err        error
	message    string
}

func (o outcome) check(t *testing.T, path string, got []byte, err error) {
	t.Helper()
	if string(got) != o.want || !errors.Is(err, o.err) {
		t.Errorf("%s: got %q, %v, want %q, %v", o.path, got, err, o.want, o.err)
	}
	if _, named := errors.AsType[*fs.PathError](err); err != nil &&
		(!named || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), o.message)) {
		t.Errorf("%s: the error is %q, want it to have the path and %q", o.path, err, o.message)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	for _, tt := range []outcome{
		{"empty", "", nil, ""},
		{"full", "12345678", nil, ""},
		{"link", "12345678", nil, ""},
		{"larger", "", ErrTooLarge, "larger than the limit of 8 bytes"},
		{"fifo", "", ErrNotRegular, "a FIFO"},
		{"to a fifo", "", ErrNotRegular, "a FIFO"},
		{"directory", "", ErrNotRegular, "a directory"},
		{"/dev/null", "", ErrNotRegular, "a device"},
		{"/dev/zero", "", ErrNotRegular, "a device"},
		{"absent", "", fs.ErrNotExist, ""},
		{"dangling", "", fs.ErrNotExist, ""},
		{"loop", "", unix.ELOOP, ""},
	} {
		path := tt.path
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		got, err := Read(path, limit)
		tt.check(t, path, got, err)
	}
}

// The kernel and the walk that stands in for it have to agree.
func TestReadIn(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	for _, tt := range []outcome{
		{"/full", "12345678", nil, ""},
		{"/link", "12345678", nil, ""},
		{"/absolute", "12345678", nil, ""},
		{"/up", "12345678", nil, ""},
		{"/../full", "12345678", nil, ""},
		{"/larger", "", ErrTooLarge, "larger than the limit of 8 bytes"},
		{"/fifo", "", ErrNotRegular, "a FIFO"},
		{"/to a fifo", "", ErrNotRegular, "a FIFO"},
		{"/directory", "", ErrNotRegular, "a directory"},
		{"/dangling", "", fs.ErrNotExist, ""},
		{"/dev/null", "", fs.ErrNotExist, ""},
	} {
		got, err := ReadIn(dir, tt.path, limit)
		tt.check(t, Below(dir, filepath.Clean(tt.path)), got, err)
		f, stat, err := openResolved(dir, tt.path)
		got, err = readAndClose(f, &stat, limit, err)
		tt.check(t, dir, got, err)
	}
	if _, err := ReadIn(dir, "/loop", limit); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a symlink to itself: %v, want ELOOP", err)
	}
	if _, err := ReadIn(dir+"/absent", "/full", limit); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("below a root that is missing: %v", err)
	}
}

func TestOpenNoFollow(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	for name, want := range map[string]error{"full": nil, "link": unix.ELOOP, "fifo": ErrNotRegular} {
		f, _, err := OpenNoFollow(filepath.Join(dir, name))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if err == nil {
			f.Close()
		}
	}
}

// A file that grows while it is read is rejected, not truncated.
func TestReadAllWhileItGrows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(tree(t), "full")
	f, stat, err := Open(path)
	must(t, err)
	defer f.Close()
	must(t, os.WriteFile(path, []byte("123456789"), 0o600))
	got, err := ReadAll(f, &stat, limit)
	outcome{"growing", "", ErrTooLarge, "larger"}.check(t, path, got, err)
}

// Below /proc a file has no size.
func TestReadWithoutASize(t *testing.T) {
	t.Parallel()
	if text, err := Read("/proc/version", 64<<10); err != nil || !strings.HasPrefix(string(text), "Linux") {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := Read("/proc/version", limit); !errors.Is(err, ErrTooLarge) {
		t.Errorf("more than the limit: %v", err)
	}
}

func TestCause(t *testing.T) {
	t.Parallel()
	_, err := Read(filepath.Join(t.TempDir(), "absent"), limit)
	if got := Cause(err); got != unix.ENOENT {
		t.Errorf("got %v", got)
	}
	if got := Cause(ErrTooLarge); got != ErrTooLarge {
		t.Errorf("got %v", got)
	}
}
