package hosts

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// scene is a hosts file below a root, and what is logged about it.
type scene struct {
	*File
	t    *testing.T
	root string
	mu   sync.Mutex
	log  bytes.Buffer
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, root: t.TempDir()}
	s.must(os.Mkdir(s.root+"/etc", 0o755))
	s.File = New(Config{Root: s.root, Path: "/etc/hosts", Zone: cluster, Logger: slog.New(slog.NewTextHandler(s, nil))})
	return s
}

func (s *scene) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(line)
}

// logged takes what was logged since the last call.
func (s *scene) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.log.Reset()
	return s.log.String()
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) write(text string) {
	s.t.Helper()
	s.must(os.WriteFile(s.root+"/etc/hosts", []byte(text), 0o644))
}

// want looks at the file and checks what a name leads to.
func (s *scene) want(name, addrs string) {
	s.t.Helper()
	s.Look()
	if got := lookup(s.t, s.Table(), name); got != addrs {
		s.t.Errorf("%s: got %q, want %q", name, got, addrs)
	}
}

// Shows hosts(5) changes.
func TestLook(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	if s.Table() != nil || s.Reports() != nil {
		t.Error("something is known before the first look")
	}
	if got := s.Summary(); got.Names != 0 || got.Ignored != 0 {
		t.Errorf("before the first look: %+v", got)
	}
	s.want("host", "none") // there is no file
	if got := s.Reports(); got != nil {
		t.Errorf("reports %q without a file", got)
	}
	s.write("10.0.0.1 host\n")
	s.want("host", "10.0.0.1")
	s.write("10.0.0.2 host\n") // of the same size, within the same moment
	s.want("host", "10.0.0.2")
	s.must(os.Remove(s.root + "/etc/hosts"))
	s.want("host", "none")
}

func TestOurBlockIsNotForeign(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.write("10.0.0.1 host\n# BEGIN nodedns\n10.0.0.9 " + node + "\n# END nodedns\n")
	s.want("host", "10.0.0.1")
	if got := reverse(s.Table(), "10.0.0.9"); got != "none" {
		t.Errorf("the node's address leads to %q", got)
	}
	before := s.Table()
	s.logged()
	s.write("10.0.0.1 host\n# BEGIN nodedns\n10.0.0.8 " + node + "\n10.0.0.9 " + node + "\n# END nodedns\n")
	s.want("host", "10.0.0.1")
	if s.Table() != before || s.logged() != "" {
		t.Error("a change of our block makes another table")
	}
	if got := s.Reports(); got != nil {
		t.Errorf("reports %q", got)
	}
}

func TestSymlinkStaysInTheRoot(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.must(os.Symlink("/etc/other", s.root+"/etc/hosts"))
	s.must(os.WriteFile(s.root+"/etc/other", []byte("10.0.0.1 host\n"), 0o644))
	s.want("host", "10.0.0.1")
}

// An unusable file is reported once, and the last table stays in effect.
func TestUnusableFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		replace func(path string) error
		want    string
	}{
		"a directory": {func(path string) error { return os.Mkdir(path, 0o755) }, "not a regular file"},
		"a FIFO":      {func(path string) error { return syscall.Mkfifo(path, 0o644) }, "not a regular file"},
		"a loop":      {func(path string) error { return os.Symlink("hosts", path) }, "too many levels"},
		"too large": {func(path string) error {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(path, maxSize+1)
		}, "64 MiB"},
		"too many names": {func(path string) error { return os.WriteFile(path, blocklist(3), 0o644) }, "too many names"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.limit = 2
			s.write("10.0.0.1 host\nnonsense\n")
			s.want("host", "10.0.0.1")
			path := s.root + "/etc/hosts"
			s.must(os.Rename(path, path+".good"))
			s.must(tt.replace(path))
			s.logged()
			s.want("host", "10.0.0.1")
			if got := s.Reports(); !sameReports(got, []string{tt.want, "line 2: "}) {
				t.Errorf("reports %q, want %q", got, tt.want)
			}
			s.want("host", "10.0.0.1")
			if log := s.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, tt.want) {
				t.Errorf("logged %q", log)
			}
			s.must(os.RemoveAll(path))
			s.must(os.Rename(path+".good", path))
			s.want("host", "10.0.0.1")
			if got := s.Reports(); !sameReports(got, []string{"line 2: "}) {
				t.Errorf("reports %q after the repair", got)
			}
		})
	}
}

func TestProblemsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.write(strings.Repeat("nonsense\n", 12))
	s.Look()
	if log := s.logged(); !strings.Contains(log, "count=12") || strings.Count(log, "nonsense") != 10 {
		t.Errorf("logged %q", log)
	}
	s.write("# moved down\n" + strings.Repeat("nonsense\n", 12) + "10.0.0.1 host\n")
	s.want("host", "10.0.0.1")
	if log := s.logged(); strings.Contains(log, "count=12") {
		t.Errorf("logged again: %q", log)
	}
	if got := s.Reports(); len(got) != 12 || got[0].Line != 2 {
		t.Errorf("reports %q", got)
	}
	if got := s.Summary(); got.Names != 1 || got.Ignored != 12 || len(got.Problems) != 10 || !strings.HasPrefix(got.Problems[0], "line 2: ") || got.Unusable != "" {
		t.Errorf("summary %+v", got)
	}
}

// Shows hosts(5) changes.
func TestRunFollowsTheFile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	await := func(name, addrs string) {
		t.Helper()
		deadline := time.Now().Add(20 * time.Second)
		for lookup(t, s.Table(), name) != addrs {
			if time.Now().After(deadline) {
				t.Fatalf("%s: got %q, want %q", name, lookup(t, s.Table(), name), addrs)
			}
			time.Sleep(time.Millisecond)
		}
	}
	s.write("10.0.0.1 host\n")
	await("host", "10.0.0.1")
	s.must(os.WriteFile(s.root+"/etc/new", []byte("10.0.0.2 host\n"), 0o644))
	s.must(os.Rename(s.root+"/etc/new", s.root+"/etc/hosts"))
	await("host", "10.0.0.2")
	s.must(os.Remove(s.root + "/etc/hosts"))
	await("host", "none")
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

// The digest is the same for two processes that read the same lines, and only then.
func TestDigest(t *testing.T) {
	t.Parallel()
	read := func(text string) *Table {
		path := filepath.Join(t.TempDir(), "hosts")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := New(Config{Path: path})
		f.Look()
		return f.Table()
	}
	const lines = "192.0.2.7 printer\n"
	table := read(lines)
	if other := read(lines + "# BEGIN nodedns\n192.0.2.9 node\n# END nodedns\n"); other.Digest() != table.Digest() {
		t.Error("our own block counts")
	}
	var missing *Table
	for name, other := range map[string]*Table{
		"address": read("192.0.2.8 printer\n"), "name": read("192.0.2.7 printer2\n"), "no table": missing, "no line": read(""),
	} {
		if other.Digest() == table.Digest() {
			t.Errorf("another %s has the same digest", name)
		}
	}
}
