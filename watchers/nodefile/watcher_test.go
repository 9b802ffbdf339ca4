package nodefile

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

func TestBothFormats(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	text := "10.0.0.1 web-1 db.corp.example\n2001:db8::1 web-1\n"
	f.write("a.hosts", text)
	f.write("b.json", `[{"id": "`+theirs+`", "names": ["web-2"], "addresses": ["10.0.0.2"], "roles": ["consensus-member"]}]`)
	f.want("theirs [10.0.0.2] web-2", "web-1 [10.0.0.1 2001:db8::1] web-1 db.corp.example")
	if n, _ := f.store.Snapshot().Lookup(theirs); n.Roles() != zone.ConsensusMember || n.Source() != "files" {
		t.Errorf("roles %v, source %s", n.Roles(), n.Source())
	}
	s := f.status("a.hosts")
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:12]; s.Hash != want || s.Nodes != 1 || s.Age == nil || s.Error != "" || s.Problems == nil {
		t.Errorf("status %+v, want the hash %s", s, want)
	}
}

// The age is that of the file, which rsync keeps, and not that of its reading.
func TestAge(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 a\n")
	hour := time.Now().Add(-time.Hour)
	testkit.Must(t, os.Chtimes(filepath.Join(f.dir, "a.hosts"), hour, hour))
	f.read()
	if s := f.status("a.hosts"); s.Age == nil || *s.Age < 3600 || *s.Age > 4000 {
		t.Errorf("status %+v", s)
	}
}

// Nothing there is an empty source, and it is ready.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.SetPaths([]string{f.dir + "/missing/directory", f.dir + "/missing.hosts"})
	f.store.SetLocal(testkit.Addrs("10.0.0.9"))
	if f.store.Snapshot().Ready() {
		t.Error("ready before the files were read")
	}
	f.want()
	if s := f.store.Snapshot(); !s.Ready() || len(f.Status()) > 0 || s.Cluster().Expected {
		t.Errorf("ready %v, status %+v", s.Ready(), f.Status())
	}
	testkit.Must(t, os.MkdirAll(f.dir+"/missing/directory", 0o755))
	write(t, f.dir+"/missing/directory/a.hosts", "10.0.0.1 a\n")
	write(t, f.dir+"/missing.hosts", "10.0.0.2 b\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b")
}

func TestNoFiles(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 a\n")
	f.SetPaths(nil)
	f.want()
	f.store.SetLocal(testkit.Addrs("10.0.0.9"))
	if !f.store.Snapshot().Ready() {
		t.Error("the zone waits for files that are not configured")
	}
	f.SetPaths([]string{f.dir})
	f.want("a [10.0.0.1] a")
	f.SetPaths([]string{})
	f.want("a [10.0.0.1] a departed")
}

func TestWhatIsGoneIsDeparted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.2 b\n10.0.0.3 c\n")
	f.write("b.hosts", "10.0.0.4 d\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b", "c [10.0.0.3] c", "d [10.0.0.4] d")
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.3 c\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b departed", "c [10.0.0.3] c", "d [10.0.0.4] d")
	if f.logged.Has("more than half") {
		t.Errorf("a warning of a third:\n%s", &f.logged)
	}
	testkit.Must(t, os.Remove(f.dir+"/b.hosts"))
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.2 b\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b", "c [10.0.0.3] c departed", "d [10.0.0.4] d departed")
	if f.logged.Count("more than half") != 1 || !f.logged.Has("b.hosts count=1 of=1") {
		t.Errorf("no warning of the file that is gone:\n%s", &f.logged)
	}
	f.write("a.hosts", "\n")
	f.want("a [10.0.0.1] a departed", "b [10.0.0.2] b departed", "c [10.0.0.3] c departed", "d [10.0.0.4] d departed")
	if !f.logged.Has("a.hosts count=2 of=2") {
		t.Errorf("no warning of the loss:\n%s", &f.logged)
	}
}

// One changed line is one change of the zone, of one node.
func TestOnlyTheDifferenceIsReported(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.2 b b2\n10.0.0.3 c\n")
	f.read()
	before := f.store.Snapshot()
	f.write("a.hosts", "# reordered\n10.0.0.3 c\n10.0.0.2 b b3\n10.0.0.1 a\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b b3", "c [10.0.0.3] c")
	if after := f.store.Snapshot(); after.Serial() != before.Serial()+1 {
		t.Errorf("%d changes of the zone", after.Serial()-before.Serial())
	}
}

// The same bytes are not parsed again, and not logged.
func TestTheSameBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 a\n")
	f.read()
	content := f.files[f.dir+"/a.hosts"].content
	replace(t, f.dir+"/a.hosts", "10.0.0.1 a\n")
	f.read()
	if f.files[f.dir+"/a.hosts"].content != content || f.logged.Count("file of nodes read") != 1 {
		t.Errorf("it was parsed again:\n%s", &f.logged)
	}
	f.write("a.hosts", "nonsense\n")
	f.read()
	replace(t, f.dir+"/a.hosts", "nonsense\n")
	f.read()
	if f.logged.Count("cannot be used") != 1 {
		t.Errorf("the same error is logged again:\n%s", &f.logged)
	}
}

func TestBrokenFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.2 b\n")
	f.write("b.json", "[\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b")
	if s := f.status("b.json"); s.Error != "line 1, column 2: unexpected end of JSON input" || s.Hash != "" || s.Age != nil {
		t.Errorf("status %+v", s)
	}
	hash := f.status("a.hosts").Hash
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.2. b\n")
	f.write("b.json", `[{"id": "c", "addresses": ["10.0.0.3"]}]`)
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b", "c [10.0.0.3] c")
	if s := f.status("a.hosts"); s.Error != `line 2: "10.0.0.2." is no address` || s.Hash != hash || s.Nodes != 2 || s.Age == nil {
		t.Errorf("status %+v", s)
	}
	if !f.logged.Has(`path=` + f.dir + `/a.hosts error="line 2: \"10.0.0.2.\" is no address"`) {
		t.Errorf("the log has no file, line and reason:\n%s", &f.logged)
	}
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.2 b\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.2] b", "c [10.0.0.3] c")
	if s := f.status("a.hosts"); s.Error != "" {
		t.Errorf("status %+v", s)
	}
}

func TestProblemsOfAFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.write("a.hosts", "10.0.0.1 a\n10.0.0.2 b_c\n10.0.0.3 localhost d\n")
	f.want("a [10.0.0.1] a", "d [10.0.0.3] d")
	s := f.status("a.hosts")
	if s.Ignored != 3 || len(s.Problems) != 3 || !strings.HasPrefix(s.Problems[0], "line 2: name \"b_c\": ") || s.Error != "" {
		t.Errorf("status %+v", s)
	}
	f.write("b.hosts", "10.0.0.4 e\n")
	f.read()
	if f.logged.Count("have no effect") != 1 {
		t.Errorf("not logged once:\n%s", &f.logged)
	}
}

// Of two files with one node the later by name counts, as a whole, whatever their
// directories are.
func TestTwoFilesWithOneNode(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	second := t.TempDir()
	f.SetPaths([]string{f.dir, second})
	f.write("20.hosts", "10.0.0.1 a x\n2001:db8::1 a\n10.0.0.2 b\n")
	write(t, second+"/10.hosts", "10.0.0.3 a y\n10.0.0.4 c\n")
	f.want("a [10.0.0.1 2001:db8::1] a x", "b [10.0.0.2] b", "c [10.0.0.4] c")
	s := f.status("10.hosts")
	if want := "line 1: a is in " + f.dir + "/20.hosts too, which comes later and counts"; !slices.Equal(s.Problems, []string{want}) || !f.logged.Has("have no effect") {
		t.Errorf("status %+v, want the problem %q; log:\n%s", s, want, &f.logged)
	}
	f.write("20.hosts", "10.0.0.2 b\n")
	f.want("a [10.0.0.3] a y", "b [10.0.0.2] b", "c [10.0.0.4] c")
	if s := f.status("10.hosts"); s.Ignored != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestWhatIsPassedOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, name := range []string{".a.hosts", "a.hosts~", ".a.json.swp", "a.txt", "#a.hosts#", "a.hosts.bak", "README"} {
		f.write(name, "nonsense\n")
	}
	testkit.Must(t, os.MkdirAll(f.dir+"/dir.hosts", 0o755))
	write(t, f.dir+"/dir.hosts/b.hosts", "10.0.0.1 a\n")
	testkit.Must(t, os.Symlink("dir.hosts", f.dir+"/link.hosts"))
	testkit.Must(t, os.Symlink("nowhere", f.dir+"/dangling.hosts"))
	f.want()
	if len(f.Status()) > 0 {
		t.Errorf("status %+v", f.Status())
	}
}

// What is no file of a bounded size is an error, and never waits.
func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.limit = 100
	testkit.Must(t, unix.Mkfifo(f.dir+"/fifo.hosts", 0o644))
	testkit.Must(t, os.Symlink("/dev/zero", f.dir+"/device.json"))
	testkit.Must(t, os.Symlink("loop.hosts", f.dir+"/loop.hosts"))
	f.write("large.hosts", strings.Repeat("#", 101))
	f.write("good.hosts", "10.0.0.1 a\n")
	f.want("a [10.0.0.1] a")
	for name, want := range map[string]string{
		"fifo.hosts": "not a regular file, but a FIFO", "device.json": "not a regular file, but a device",
		"loop.hosts": "too many levels of symbolic links", "large.hosts": "larger than the limit of 100 bytes", "good.hosts": "",
	} {
		if got := f.status(name).Error; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// A file that turned into one keeps what it had.
	testkit.Must(t, os.Remove(f.dir+"/good.hosts"))
	testkit.Must(t, unix.Mkfifo(f.dir+"/good.hosts", 0o644))
	f.want("a [10.0.0.1] a")
}

func TestPathOfAnotherFormat(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.SetPaths([]string{f.dir + "/nodes", f.dir + "/.hidden.hosts"})
	f.write("nodes", "10.0.0.1 a\n")
	f.write(".hidden.hosts", "10.0.0.2 b\n") // named, so it is meant
	f.want("b [10.0.0.2] b")
	if got := f.status("nodes").Error; got != errFormat.Error() {
		t.Errorf("status %+v", f.Status())
	}
}

// A directory that cannot be read any more is not an empty one.
func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	real := t.TempDir()
	testkit.Must(t, os.Symlink(real, f.dir+"/link"))
	f.SetPaths([]string{f.dir + "/link"})
	write(t, real+"/a.hosts", "10.0.0.1 a\n")
	f.want("a [10.0.0.1] a")
	testkit.Must(t, os.Remove(f.dir+"/link"))
	testkit.Must(t, os.Symlink("link", f.dir+"/link"))
	f.want("a [10.0.0.1] a")
	f.read()
	if got := f.status("link").Error; got != "too many levels of symbolic links" || f.logged.Count("directory of nodes cannot be read") != 1 {
		t.Errorf("status %+v; log:\n%s", f.Status(), &f.logged)
	}
	testkit.Must(t, os.Remove(f.dir+"/link"))
	f.want("a [10.0.0.1] a departed")
}

// Many nodes at once are a backlog, so that the order of the files decides nothing:
// the same files give the same names on a machine that starts later.
func TestManyNodesAtOnce(t *testing.T) {
	t.Parallel()
	text := hostsText(50, -1) + "10.9.0.1 first shared\n" + strings.Repeat("#\n", 10)
	text = "10.9.0.2 second shared\n" + text
	later := newFixture(t)
	later.write("a.hosts", "10.9.0.9 other\n")
	later.read()
	at := newFixture(t)
	for _, f := range []*fixture{later, at} {
		f.batch = 20
		f.write("a.hosts", text)
		f.read()
		s := f.store.Snapshot()
		if owner := s.LookupName([]byte("shared")); !owner.Contested() {
			t.Errorf("shared belongs to %s", owner.Node.ID())
		}
		if got := s.Counts().Live; got != 53 {
			t.Errorf("%d nodes", got)
		}
	}
	if other := later.store.Snapshot().LookupName([]byte("other")); !other.Exists() || !other.Node.Departed() {
		t.Error("what is gone has not departed")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{Paths: []string{"nodes.hosts"}}, nil); err == nil || !strings.Contains(err.Error(), `"nodes.hosts"`) {
		t.Errorf("error %v", err)
	}
}

// What Inspect finds is what a Watcher begins with, and which files are missing.
func TestInspect(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir+"/a.hosts", "192.0.2.1 web-1\n192.0.2.2 localhost db\n")
	write(t, dir+"/b.json", "[{}]")
	write(t, dir+"/c.hosts", "192.0.2.9 web-1\n")
	var got []string
	for _, s := range Inspect([]string{dir, dir + "/missing", dir + "/missing.json"}, zone.DefaultPrefix) {
		got = append(got, fmt.Sprintf("%s %d %s", filepath.Base(s.Path), s.Nodes, strings.ReplaceAll(s.Warning(), dir, "")))
	}
	want := []string{
		"a.hosts 2 of the file of nodes /a.hosts something has no effect, in 2 places; the first one is line 2: " + nameError("localhost"),
		"b.json 0 the file of nodes /b.json cannot be used: line 1, column 2: the node has no addresses: without any known it has an empty array of them",
		"c.hosts 1 ",
		"missing.json 0 the file of nodes /missing.json cannot be used: file does not exist",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A file that cannot be used at the start departs nothing of what was saved: that
// waits until it is known what the file has.
func TestUnusableAtTheStart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store.Saved().Set(zone.Entry{ID: theirs, Addresses: testkit.Addrs("10.0.0.2")})
	f.store.Saved().Loaded(time.Now())
	f.store.SetLocal(testkit.Addrs("10.0.0.9"))
	f.write("a.hosts", "oops\n")
	f.write("b.hosts", "10.0.0.1 a\n")
	f.want("a [10.0.0.1] a", "theirs [10.0.0.2] ")
	if s := f.store.Snapshot(); !s.Ready() || s.Complete() {
		t.Errorf("ready %v, complete %v", s.Ready(), s.Complete())
	}
	f.write("a.hosts", "10.0.0.3 b\n")
	f.want("a [10.0.0.1] a", "b [10.0.0.3] b", "theirs [10.0.0.2]  departed")
}
