package managed

import (
	"os"
	"syscall"
	"testing"
)

// As root we may give files away, and check the result.
func TestNewFileBelongsToTheOwnerOfItsDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to have a directory that belongs to another program")
	}
	const owner, group = 1234, 5678
	s := newScratch(t)
	if err := os.Chown(s.path("etc"), owner, group); err != nil {
		t.Fatal(err)
	}
	file, link := s.file("/etc/new"), s.file("/etc/link")
	if _, err := file.Update(To([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	if err := link.PutLink("/etc/new"); err != nil {
		t.Fatal(err)
	}
	for _, f := range []File{file, link} {
		info, err := os.Lstat(f.String())
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t); got.Uid != owner || got.Gid != group {
			t.Errorf("%s belongs to %d:%d, want %d:%d", f.Path, got.Uid, got.Gid, owner, group)
		}
	}
}
