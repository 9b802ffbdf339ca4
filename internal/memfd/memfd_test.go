package memfd_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/memfd"
)

func seal(t *testing.T, text string) *os.File {
	t.Helper()
	f, err := memfd.Seal("nodedns-test", func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestSealedCannotChange(t *testing.T) {
	t.Parallel()
	f := seal(t, "text")
	for name, change := range map[string]func() error{
		"write":    func() error { _, err := f.WriteAt([]byte("x"), 0); return err },
		"grow":     func() error { return f.Truncate(5) },
		"shrink":   func() error { return f.Truncate(3) },
		"map":      func() error { _, err := unix.Mmap(int(f.Fd()), 0, 4, unix.PROT_WRITE, unix.MAP_SHARED); return err },
		"new seal": func() error { _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); return err },
	} {
		if err := change(); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a program that is executed inherits it: %#x, %v", flags, err)
	}
}

func TestReaderBeginsAtTheBeginning(t *testing.T) {
	t.Parallel()
	f := seal(t, "text")
	for range 2 {
		r, err := memfd.Reader(f, 4)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); string(got) != "text" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	}
	if _, err := memfd.Reader(f, 3); !errors.Is(err, memfd.ErrTooLarge) {
		t.Errorf("three octets of four: %v", err)
	}
}

func TestReaderTakesNothingElse(t *testing.T) {
	t.Parallel()
	open := func(f *os.File, err error) *os.File {
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	file := open(os.Create(filepath.Join(t.TempDir(), "file")))
	unsealed, err := unix.MemfdCreate("nodedns-test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	memory := open(os.NewFile(uintptr(unsealed), "memory"), err)
	partly, err := unix.MemfdCreate("nodedns-test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	half := open(os.NewFile(uintptr(partly), "half"), err)
	if _, err := unix.FcntlInt(half.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_WRITE|unix.F_SEAL_GROW|unix.F_SEAL_SHRINK); err != nil {
		t.Fatal(err)
	}
	pipe, end, err := os.Pipe()
	open(end, err)
	for name, f := range map[string]*os.File{
		"a file": file, "unsealed": memory, "may be sealed further": half, "a pipe": open(pipe, err), "a device": open(os.Open("/dev/zero")),
	} {
		if _, err := memfd.Reader(f, 100); !errors.Is(err, memfd.ErrNotSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealReportsWhatWriteDoes(t *testing.T) {
	t.Parallel()
	before := opened(t)
	if f, err := memfd.Seal("nodedns-failing", func(io.Writer) error { return io.ErrShortWrite }); f != nil || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v, %v", f, err)
	}
	if after := opened(t); after != before {
		t.Errorf("%d files are left", after)
	}
	if _, err := memfd.Seal(strings.Repeat("x", 300), func(io.Writer) error { return nil }); err == nil {
		t.Error("a name of 300 octets is one")
	}
}

// opened is how many failing files of this process are open.
func opened(t *testing.T) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, _ := os.Readlink(link); strings.Contains(target, "nodedns-failing") {
			n++
		}
	}
	return n
}
