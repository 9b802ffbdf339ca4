package managed

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	for link, target := range map[string]string{
		"etc/absolute": "/run/hosts",
		"etc/relative": "../run/hosts",
		"etc/outside":  "../../../../../../../../run/hosts",
		"etc/chain":    "absolute",
		"etc/dangling": "/nowhere/hosts",
		"etc/loop":     "loop",
		"conf":         "/etc",
	} {
		if err := os.Symlink(target, s.path(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, path, want string }{
		{"no symlink", "/etc/hosts", "etc/hosts"},
		{"missing directories", "/a/b/hosts", "a/b/hosts"},
		{"an absolute symlink stays below the root", "/etc/absolute", "run/hosts"},
		{"a relative symlink", "/etc/relative", "run/hosts"},
		{"a symlink to above the root ends at the root", "/etc/outside", "run/hosts"},
		{"a symlink to a symlink", "/etc/chain", "run/hosts"},
		{"a dangling symlink names the file to be made", "/etc/dangling", "nowhere/hosts"},
		{"a symlink among the directories", "/conf/absolute", "run/hosts"},
		{"dots in the path", "/../etc/./../../etc/absolute", "run/hosts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Resolve(s.root, c.path)
			if want := filepath.Join(s.root, c.want); err != nil || got != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
	if _, err := Resolve(s.root, "/etc/loop"); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a symlink to itself: %v, want ELOOP", err)
	}
}
