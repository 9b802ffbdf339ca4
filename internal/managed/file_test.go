package managed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// to makes a file hold a text, whatever there is.
func to(text string) Edit { return To([]byte(text)) }

// grow adds a line to what there is.
func grow(old Content) ([]byte, error) { return append(old.Bytes, "added\n"...), nil }

func mustUpdate(t *testing.T, f File, e Edit) {
	t.Helper()
	if wrote, err := f.Update(e); err != nil || !wrote {
		t.Fatalf("wrote %v, error %v", wrote, err)
	}
}

func TestNewFileIs0644WhateverTheUmask(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	s := newScratch(t)
	mustUpdate(t, s.file("/a/b/hosts"), to("new"))
	for path, want := range map[string]os.FileMode{"a": 0o755, "a/b": 0o755, "a/b/hosts": 0o644} {
		info, err := os.Stat(s.path(path))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
	s.wantNoLeftovers(t)
}

func TestModeAndAttributesAreKept(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/hosts")
	write(t, path, "old")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(path, "user.note", []byte("mine"), 0); err != nil {
		t.Skipf("the file system of the temporary directory has no user attributes: %v", err)
	}
	mustUpdate(t, s.file("/etc/hosts"), to("new"))
	wantFile(t, path, "new")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
	value := make([]byte, 10)
	if n, err := unix.Getxattr(path, "user.note", value); err != nil || string(value[:n]) != "mine" {
		t.Errorf("attribute %q, %v", value, err)
	}
}

func TestOwnerIsKept(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a file of another owner")
	}
	s := newScratch(t)
	path := s.path("etc/hosts")
	for _, owner := range owners {
		write(t, path, "old")
		if err := os.Chown(path, owner.uid, owner.gid); err != nil {
			t.Fatal(err)
		}
		mustUpdate(t, s.file("/etc/hosts"), to("new"))
		wantOwner(t, path, owner.uid, owner.gid)
	}
}

// owners of a file: ours is 0:0.
var owners = []struct{ uid, gid int }{{1234, 4321}, {0, 4321}, {1234, 0}}

func wantOwner(t *testing.T, path string, uid, gid int) {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil || int(stat.Uid) != uid || int(stat.Gid) != gid {
		t.Errorf("owner %d:%d, %v; want %d:%d", stat.Uid, stat.Gid, err, uid, gid)
	}
}

func TestSymlinkIsFollowed(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	if err := os.Symlink("/run/hosts", s.path("etc/hosts")); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, s.file("/etc/hosts"), to("new")) // dangling so far
	wantFile(t, s.path("run/hosts"), "new")
	mustUpdate(t, s.file("/etc/hosts"), to("newer"))
	wantFile(t, s.path("run/hosts"), "newer")
	if info, err := os.Lstat(s.path("etc/hosts")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the symlink became %v, %v", info.Mode(), err)
	}
}

func TestSameBytesAreNotWritten(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	write(t, s.path("etc/hosts"), "same")
	f := s.file("/etc/hosts")
	before := f.Stamp()
	if wrote, err := f.Update(to("same")); wrote || err != nil || f.Stamp() != before {
		t.Errorf("wrote %v, error %v", wrote, err)
	}
}

func TestAnEmptyFileIsNotAMissingOne(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	mustUpdate(t, s.file("/etc/hosts"), to(""))
	wantFile(t, s.path("etc/hosts"), "")
}

func TestWhatIsNoRegularFileIsRefused(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	if err := unix.Mkfifo(s.path("etc/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/etc/fifo", "/etc"} {
		if _, err := s.file(path).Update(to("x")); err == nil || !strings.Contains(err.Error(), "regular file") {
			t.Errorf("%s: %v, want an error that asks for a regular file", path, err)
		}
	}
}

// What could not be read again could not be undone.
func TestNothingIsWrittenThatIsTooLargeToBeRead(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	write(t, s.path("etc/hosts"), "12345678")
	f := s.file("/etc/hosts")
	f.MaxSize = 8
	if wrote, err := f.Update(grow); wrote || err == nil || !strings.Contains(err.Error(), "would have 14 bytes: want at most 8") {
		t.Errorf("wrote %t, error %v", wrote, err)
	}
	wantFile(t, s.path("etc/hosts"), "12345678")
	mustUpdate(t, f, to("87654321"))
}

func TestAForeignWriteDuringOursIsMergedAgain(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/hosts")
	write(t, path, "user\n")
	f := s.file("/etc/hosts")
	first := true
	f.System.Sync = func(temp *os.File) error {
		if first {
			first = false
			write(t, path, "users\n")
		}
		return temp.Sync()
	}
	mustUpdate(t, f, grow)
	wantFile(t, path, "users\nadded\n")
	s.wantNoLeftovers(t)
}

func TestAForeignChangeOfModeDuringOursIsKept(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/hosts")
	write(t, path, "user\n")
	f := s.file("/etc/hosts")
	change := sync.OnceValue(func() error { return os.Chmod(path, 0o600) })
	f.System.Sync = func(*os.File) error { return change() }
	mustUpdate(t, f, grow)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestEndlessForeignWritesAreGivenUpOn(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/hosts")
	write(t, path, "user\n")
	f := s.file("/etc/hosts")
	n := 0
	f.System.Sync = func(*os.File) error {
		n++
		write(t, path, fmt.Sprintf("user %d\n", n))
		return nil
	}
	if _, err := f.Update(grow); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v, want %v", err, ErrChanged)
	}
	wantFile(t, path, fmt.Sprintf("user %d\n", maxAttempts))
	s.wantNoLeftovers(t)
}

func TestWhereRenameCannotWorkTheFileIsOverwritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		fail func(*System)
	}{
		{"mount point: EBUSY", func(s *System) { s.Rename = func(string, string) error { return unix.EBUSY } }},
		{"another file system: EXDEV", func(s *System) { s.Rename = func(string, string) error { return unix.EXDEV } }},
		{"read-only directory: EROFS", func(s *System) {
			s.CreateTemp = func(string, string) (*os.File, error) { return nil, unix.EROFS }
		}},
		{"a directory that is not ours: EACCES", func(s *System) {
			s.CreateTemp = func(string, string) (*os.File, error) { return nil, unix.EACCES }
		}},
		{"an attribute that we may not set", func(s *System) {
			s.Chmod = func(*os.File, uint32) error { return unix.EPERM }
		}},
	} {
		for _, size := range []struct{ name, old, data string }{
			{"growing", "old\n", "much longer than before\n"},
			{"shrinking", "much longer than before\n", "new\n"},
			{"to nothing", "old\n", ""},
			{"from nothing", "", "new\n"},
		} {
			t.Run(c.name+", "+size.name, func(t *testing.T) {
				t.Parallel()
				s := newScratch(t)
				path := s.path("etc/hosts")
				write(t, path, size.old)
				f := s.file("/etc/hosts")
				c.fail(f.System)
				before := inode(t, path)
				mustUpdate(t, f, to(size.data))
				wantFile(t, path, size.data)
				if inode(t, path) != before {
					t.Error("the file was replaced")
				}
				s.wantNoLeftovers(t)
			})
		}
	}
}

func TestAFailedWriteLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	full := func(*os.File, []byte, int64) error { return unix.ENOSPC }
	busy := func(string, string) error { return unix.EBUSY }
	const old, data = "old content\n", "new content that is longer\n"
	for _, c := range []struct {
		name string
		fail func(*System)
	}{
		{"full disk", func(s *System) { s.Write = full }},
		{"full disk at fsync", func(s *System) { s.Sync = func(*os.File) error { return unix.ENOSPC } }},
		{"rename fails", func(s *System) { s.Rename = func(string, string) error { return unix.EIO } }},
		{"in place: no room for the growth", func(s *System) {
			s.Rename = busy
			s.Reserve = func(*os.File, int64, int64) error { return unix.ENOSPC }
		}},
		{"in place: the disk is full half way", func(s *System) {
			s.Rename = busy
			s.Write = func(f *os.File, p []byte, at int64) error {
				if string(p) == data && !strings.Contains(f.Name(), ".nodedns-") {
					f.WriteAt(p[:5], at)
					return unix.ENOSPC
				}
				_, err := f.WriteAt(p, at)
				return err
			}
		}},
		{"in place: no copy can be kept", func(s *System) {
			s.Rename = busy
			s.WriteRecord = func(string, []byte) error { return unix.ENOSPC }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			write(t, s.path("etc/hosts"), old)
			f := s.file("/etc/hosts")
			c.fail(f.System)
			if wrote, err := f.Update(to(data)); err == nil || wrote {
				t.Errorf("wrote %v, error %v; want a failure", wrote, err)
			}
			wantFile(t, s.path("etc/hosts"), old)
			if found, _ := filepath.Glob(s.path("etc/.*")); len(found) > 0 {
				t.Errorf("left behind: %q", found)
			}
			// The next attempt finds nothing in its way.
			mustUpdate(t, s.file("/etc/hosts"), to(data))
			wantFile(t, s.path("etc/hosts"), data)
			s.wantNoLeftovers(t)
		})
	}
}

func TestAForeignWriteBeforeAnOverwriteIsMergedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		foreign func(path string) error
		want    string
	}{
		{"written", func(path string) error { return os.WriteFile(path, []byte("users\n"), 0o644) }, "users\nadded\n"},
		{"removed", os.Remove, "added\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			path := s.path("etc/hosts")
			write(t, path, "user\n")
			f := s.file("/etc/hosts")
			rename := f.System.Rename
			first := true
			f.System.Rename = func(from, to string) error {
				if !first {
					return rename(from, to)
				}
				first = false
				if err := c.foreign(path); err != nil {
					t.Error(err)
				}
				return unix.EBUSY
			}
			mustUpdate(t, f, grow)
			wantFile(t, path, c.want)
			s.wantNoLeftovers(t)
		})
	}
}

func TestTheCopyStaysUntilTheOldContentIsBack(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	path := s.path("etc/hosts")
	write(t, path, "the user's line\n")
	f := s.file("/etc/hosts")
	f.System.Rename = func(string, string) error { return unix.EBUSY }
	f.System.Write = func(target *os.File, p []byte, at int64) error {
		if target.Name() == path {
			target.WriteAt([]byte("added"), 0) // a part, and so again when it is restored
			return unix.EIO
		}
		_, err := target.WriteAt(p, at)
		return err
	}
	if _, err := f.Update(to("added")); !errors.Is(err, unix.EIO) {
		t.Fatalf("error %v, want EIO", err)
	}
	wantFile(t, path, "addedser's line\n")
	mustUpdate(t, s.file("/etc/hosts"), grow)
	wantFile(t, path, "the user's line\nadded\n")
	s.wantNoLeftovers(t)
}

func TestSweepRemovesOursOnly(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	for _, name := range []string{".hosts.nodedns-123", ".hosts.bak", ".hosts123", "hosts.nodedns-1"} {
		write(t, s.path("etc/"+name), "x")
	}
	if err := s.file("/etc/hosts").RemoveTemp(); err != nil {
		t.Fatal(err)
	}
	wantNone(t, s.path("etc/.hosts.nodedns-123"))
	for _, name := range []string{".hosts.bak", ".hosts123", "hosts.nodedns-1"} {
		wantFile(t, s.path("etc/"+name), "x")
	}
}

func TestASymlinkIsKeptAsOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, target, behind string }{
		{"to a file", "../run/theirs", "theirs\n"},
		{"to the same bytes as wanted", "/run/theirs", "ours\n"},
		{"dangling", "/nowhere", ""},
		{"to itself", "file", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			if c.behind != "" {
				if err := os.Mkdir(s.path("run"), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, s.path("run/theirs"), c.behind)
			}
			if err := os.Symlink(c.target, s.path("etc/file")); err != nil {
				t.Fatal(err)
			}
			f := s.file("/etc/file")
			f.Links = true
			old, err := f.Read()
			if err != nil || old.Link != c.target || string(old.Bytes) != c.behind {
				t.Errorf("read %+v, %v", old, err)
			}
			mustUpdate(t, f, to("ours\n"))
			if info, err := os.Lstat(s.path("etc/file")); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o644 {
				t.Errorf("mode %v, %v; want a regular file of mode 0644", info.Mode(), err)
			}
			if c.behind != "" {
				wantFile(t, s.path("run/theirs"), c.behind)
			}
			what, err := f.Restore(BackupOf(f, old))
			if err != nil || !strings.Contains(what, c.target) {
				t.Errorf("put back: %q, %v", what, err)
			}
			if target, err := os.Readlink(s.path("etc/file")); err != nil || target != c.target {
				t.Errorf("the symlink leads to %q, %v; want %q", target, err, c.target)
			}
			s.wantNoLeftovers(t)
		})
	}
}

func TestThroughASymlinkThatCannotBeReplacedNothingIsWritten(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	write(t, s.path("etc/theirs"), "theirs\n")
	if err := os.Symlink("theirs", s.path("etc/file")); err != nil {
		t.Fatal(err)
	}
	f := s.file("/etc/file")
	f.Links = true
	f.System.Rename = func(string, string) error { return unix.EROFS }
	if wrote, err := f.Update(to("ours\n")); wrote || !errors.Is(err, unix.EROFS) {
		t.Errorf("wrote %v, error %v; want EROFS", wrote, err)
	}
	wantFile(t, s.path("etc/theirs"), "theirs\n")
	s.wantNoLeftovers(t)
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		t.Fatal(err)
	}
	return stat.Ino
}
