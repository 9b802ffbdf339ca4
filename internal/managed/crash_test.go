package managed

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
)

// crashEnv carries what the test binary must do instead of testing.
const crashEnv = "MANAGED_TEST_CRASH"

// crash is a write ended by SIGKILL. Its process dies at call number At.
type crash struct {
	Root, State, Data string
	InPlace           bool
	At                int
}

func TestMain(m *testing.M) {
	if told := os.Getenv(crashEnv); told != "" {
		var c crash
		if err := json.Unmarshal([]byte(told), &c); err != nil {
			panic(err)
		}
		c.run()
		return
	}
	os.Exit(m.Run())
}

// run writes, and is killed at a call: a write is done in half then, any other
// call is not done at all, which is what the call before it left.
func (c crash) run() {
	sys := RealSystem()
	calls := 0
	die := func() bool { calls++; return calls == c.At }
	kill := func() { unix.Kill(os.Getpid(), unix.SIGKILL); select {} }
	step := func() {
		if die() {
			kill()
		}
	}
	real := *sys
	sys.CreateTemp = func(dir, pattern string) (*os.File, error) { step(); return real.CreateTemp(dir, pattern) }
	sys.Write = func(f *os.File, p []byte, at int64) error {
		if die() {
			real.Write(f, p[:len(p)/2], at)
			kill()
		}
		return real.Write(f, p, at)
	}
	sys.Reserve = func(f *os.File, at, size int64) error { step(); return real.Reserve(f, at, size) }
	sys.Truncate = func(f *os.File, size int64) error { step(); return real.Truncate(f, size) }
	sys.Chmod = func(f *os.File, mode uint32) error { step(); return real.Chmod(f, mode) }
	sys.Sync = func(f *os.File) error { step(); return real.Sync(f) }
	sys.Rename = func(from, to string) error {
		step()
		if c.InPlace && strings.HasPrefix(to, c.Root) {
			return unix.EBUSY
		}
		return real.Rename(from, to)
	}
	sys.Remove = func(path string) error { step(); return real.Remove(path) }
	sys.SyncDir = func(dir string) error { step(); return real.SyncDir(dir) }
	sys.WriteRecord = func(path string, data []byte) error { step(); return real.WriteRecord(path, data) }
	f := File{Root: c.Root, Path: "/etc/hosts", State: c.State, MaxSize: 1 << 20, System: sys, Logger: slog.New(slog.DiscardHandler)}
	if _, err := f.Update(to(c.Data)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestCrashAtEveryStep kills a write between every two of its steps. After a
// rename the file is the old one or the new one at once; after an overwrite it
// is so when the next start has repaired it.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a long line of the user\n", 400)
	short := strings.Repeat("short\n", 3)
	for _, c := range []struct {
		name, old, data string
		inPlace         bool
		atLeast         int // steps, so that none is overlooked
	}{
		{"replace", short, long, false, 6},
		{"overwrite growing", short, long, true, 12},
		{"overwrite shrinking", long, short, true, 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := 1
			for ; ; at++ {
				s := newScratch(t)
				write(t, s.path("etc/hosts"), c.old)
				if !s.crash(t, crash{s.root, s.state, c.data, c.inPlace, at}) {
					wantFile(t, s.path("etc/hosts"), c.data)
					s.wantNoLeftovers(t)
					break
				}
				if !c.inPlace {
					s.wantEither(t, at, c.old, c.data)
				}
				f := s.file("/etc/hosts")
				if err := RecoverOverwrites(s.state, f.System, f.Logger); err != nil {
					t.Errorf("step %d: %v", at, err)
				}
				if err := f.RemoveTemp(); err != nil {
					t.Errorf("step %d: %v", at, err)
				}
				s.wantEither(t, at, c.old, c.data)
				s.wantNoLeftovers(t)
			}
			if at <= c.atLeast {
				t.Errorf("killed at %d steps only", at-1)
			}
		})
	}
}

// crash runs the write in a process of its own, and reports whether it was killed.
func (s scratch) crash(t *testing.T, c crash) bool {
	t.Helper()
	told, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+string(told))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if !strings.Contains(err.Error(), "killed") {
		t.Fatalf("step %s: %v: %s", strconv.Itoa(c.At), err, out)
	}
	return true
}

func (s scratch) wantEither(t *testing.T, step int, old, data string) {
	t.Helper()
	got, err := os.ReadFile(s.path("etc/hosts"))
	if err != nil || string(got) != old && string(got) != data {
		t.Errorf("killed at step %d: neither the old content nor the new: %q, %v", step, got, err)
	}
}

func TestRecover(t *testing.T) {
	t.Parallel()
	const old, data = "one old line\n", "a much longer new line\n"
	for _, c := range []struct{ name, now, want string }{
		{"not begun", old, old},
		{"complete", data, data},
		{"head written", data[:6] + old[6:], old},
		{"head written, room taken", data[:6] + old[6:] + "\n\n", old},
		{"room taken", old + "\n\n\n", old},
		{"room of a power failure", old + "\x00\x00", old},
		{"tail written first", old + data[len(old):], old},
		{"shorter than either", data[:12], data[:12]},
		{"written by another program since", "something else\n", "something else\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			f := s.file("/etc/hosts")
			write(t, s.path("etc/hosts"), c.now)
			encoded, _ := json.Marshal(undoRecord{Path: s.path("etc/hosts"), Old: []byte(old), New: []byte(data)})
			if err := f.System.saveRecord(undoPath(s.state, s.path("etc/hosts")), encoded); err != nil {
				t.Fatal(err)
			}
			if err := RecoverOverwrites(s.state, f.System, f.Logger); err != nil {
				t.Fatal(err)
			}
			wantFile(t, s.path("etc/hosts"), c.want)
			s.wantNoLeftovers(t)
		})
	}
}

// What is no regular file any more belongs to another program, and is not
// waited for.
func TestRecoverLeavesAFIFO(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	f := s.file("/etc/hosts")
	if err := unix.Mkfifo(s.path("etc/hosts"), 0o600); err != nil {
		t.Fatal(err)
	}
	encoded, _ := json.Marshal(undoRecord{Path: s.path("etc/hosts"), Old: []byte("old\n"), New: []byte("new\n")})
	if err := f.System.saveRecord(undoPath(s.state, s.path("etc/hosts")), encoded); err != nil {
		t.Fatal(err)
	}
	if err := RecoverOverwrites(s.state, f.System, f.Logger); err != nil {
		t.Error(err)
	}
	s.wantNoLeftovers(t)
}

// The state directory may be open to a user whose permissions we do not have.
func TestRecordsThatAreFIFOs(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	f := s.file("/etc/hosts")
	backups := Backups{s.state, f.System}
	backup, undo := backups.RecordPath(f.String()), undoPath(s.state, f.String())
	for _, path := range []string{backup, undo} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), unix.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	_, _, load := backups.Load(f.String())
	_, all := backups.All()
	for name, c := range map[string]struct {
		err  error
		path string
	}{
		"load": {load, backup}, "all": {all, backup}, "recover": {RecoverOverwrites(s.state, f.System, f.Logger), undo},
		"recover one": {f.Recover(), undo},
	} {
		if !errors.Is(c.err, osfile.ErrNotRegular) || !strings.Contains(c.err.Error(), c.path) {
			t.Errorf("%s: %v, want an error that names %s", name, c.err, c.path)
		}
	}
}

func TestRecoverComesBeforeTheNextWrite(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	const old, data = "one old line\n", "a much longer new line\n"
	write(t, s.path("etc/hosts"), data[:6]+old[6:])
	f := s.file("/etc/hosts")
	encoded, _ := json.Marshal(undoRecord{Path: s.path("etc/hosts"), Old: []byte(old), New: []byte(data)})
	if err := f.System.saveRecord(undoPath(s.state, s.path("etc/hosts")), encoded); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, f, grow)
	wantFile(t, s.path("etc/hosts"), old+"added\n")
}

func TestADamagedJournalIsSetAside(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	f := s.file("/etc/hosts")
	path := undoPath(s.state, s.path("etc/hosts"))
	if err := f.System.saveRecord(path, []byte("{")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := RecoverOverwrites(s.state, f.System, f.Logger); err != nil {
			t.Fatal(err)
		}
	}
	wantFile(t, path+".damaged", "{")
}
