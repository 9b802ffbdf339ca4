package nodefile

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/internal/testkit"
)

func TestRunFollowsEdits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.run()
	f.store.SetLocal(testkit.Addrs("10.0.0.9"))
	f.await()
	f.write("a.hosts", "10.0.0.1 a\n")
	f.await("a [10.0.0.1] a")
	replace(t, f.dir+"/a.hosts", "10.0.0.2 a\n")
	f.await("a [10.0.0.2] a")
	f.write("a.hosts", "10.0.0.3 a\n")
	f.await("a [10.0.0.3] a")
	f.write("b.json", `[{"id": "b", "addresses": ["10.0.0.4"]}]`)
	f.await("a [10.0.0.3] a", "b [10.0.0.4] b")
	testkit.Must(t, os.Remove(f.dir+"/a.hosts"))
	f.await("a [10.0.0.3] a departed", "b [10.0.0.4] b")
}

// A ConfigMap: the files are symlinks over one that is swapped.
func TestRunFollowsASwappedSymlink(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	swap := func(version, text string) {
		testkit.Must(t, os.Mkdir(filepath.Join(f.dir, version), 0o755))
		f.write(version+"/nodes.json", text)
		testkit.Must(t, os.Symlink(version, f.dir+"/..data_tmp"))
		testkit.Must(t, os.Rename(f.dir+"/..data_tmp", f.dir+"/..data"))
	}
	swap("..2026_1", `[{"id": "a", "addresses": ["10.0.0.1"]}]`)
	testkit.Must(t, os.Symlink("..data/nodes.json", f.dir+"/nodes.json"))
	f.run()
	f.await("a [10.0.0.1] a")
	swap("..2026_2", `[{"id": "a", "addresses": ["10.0.0.2"]}]`)
	f.await("a [10.0.0.2] a")
}

// A symlink in the directory may lead to a file that is edited elsewhere.
func TestRunFollowsSymlinksToFilesElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	elsewhere := t.TempDir() + "/real"
	write(t, elsewhere, "10.0.0.1 a\n")
	testkit.Must(t, os.Symlink(elsewhere, f.dir+"/a.hosts"))
	f.run()
	f.await("a [10.0.0.1] a")
	write(t, elsewhere, "10.0.0.2 a\n")
	f.await("a [10.0.0.2] a")
}

func TestRunFollowsWhatComesLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.SetPaths([]string{f.dir + "/a/b"})
	f.run()
	f.store.SetLocal(testkit.Addrs("10.0.0.9"))
	f.await()
	testkit.Must(t, os.MkdirAll(f.dir+"/a/b", 0o755))
	f.write("a/b/x.hosts", "10.0.0.1 a\n")
	f.await("a [10.0.0.1] a")
	f.SetPaths([]string{f.dir})
	f.write("y.hosts", "10.0.0.2 b\n")
	f.await("a [10.0.0.1] a departed", "b [10.0.0.2] b")
}

// What the Service carries to the watcher is looked at again after a hint.
func TestRunTakesHints(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	addrs := make(chan string, 1)
	addrs <- ""
	f.cfg.Hostname = func() string {
		text := <-addrs
		addrs <- text
		return text
	}
	f.write("a.hosts", "10.0.0.1 web-1\n")
	f.run()
	f.await("web-1 [10.0.0.1] web-1")
	<-addrs
	addrs <- "web-1"
	f.Hint()
	f.await("ours [] web-1")
}

// A file is read when it has been the same for a while, by the clock of its file
// system or by ours; one that never is, after some time nevertheless.
func TestSettling(t *testing.T) {
	t.Parallel()
	now := time.Now()
	stat := func(size int64, changed time.Time) *unix.Stat_t {
		return &unix.Stat_t{Size: size, Ctim: unix.NsecToTimespec(changed.UnixNano())}
	}
	f := &file{settle: settled}
	look := func(s *unix.Stat_t, at time.Duration) time.Duration {
		return f.settling(osfile.StampOf(s), s, now.Add(at))
	}
	if wait := look(stat(1, now.Add(-time.Second)), 0); wait != 0 {
		t.Errorf("a file that was changed a second ago waits for %v", wait)
	}
	fresh := stat(2, now)
	if wait := look(fresh, 10*time.Millisecond); wait != settled {
		t.Errorf("a fresh file waits for %v", wait)
	}
	ahead := stat(3, now.Add(time.Hour)) // the clock of a file server
	if wait := look(ahead, 0); wait != settled {
		t.Errorf("a file from the future waits for %v", wait)
	}
	if wait := look(ahead, 40*time.Millisecond); wait != settled-40*time.Millisecond {
		t.Errorf("later it waits for %v", wait)
	}
	if wait := look(ahead, settled); wait != 0 {
		t.Errorf("and at last for %v", wait)
	}
	f.unsettled.first = time.Time{} // it was read
	var at time.Duration
	for size := int64(4); look(stat(size, now.Add(at)), at) > 0; size++ {
		if at += 50 * time.Millisecond; at > 2*maxUnsettled {
			t.Fatal("a file that is written to all the time is never read")
		}
	}
	if at < maxUnsettled {
		t.Errorf("it is read after %v", at)
	}
	f.unsettled.first = time.Time{}
	late := stat(2, now.Add(at-time.Second)) // the clock of a busy machine's file systems
	if wait := look(late, at); wait != settled {
		t.Errorf("a change under our eyes that is dated back waits for %v", wait)
	}
	if wait := look(late, at+30*time.Millisecond); wait != settled-30*time.Millisecond {
		t.Errorf("later it waits for %v", wait)
	}
}

// The backlog is complete when each file was read.
func TestBacklogWaitsForWhatIsNotSettled(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.store.SetLocal(testkit.Addrs("10.0.0.9"))
	f.settle = time.Hour
	f.write("a.hosts", "10.0.0.1 a\n")
	f.want()
	if f.wait <= 0 || f.store.Snapshot().Ready() {
		t.Errorf("it waits for %v, and is ready: %v", f.wait, f.store.Snapshot().Ready())
	}
	f.files[f.dir+"/a.hosts"].settle = 0
	f.want("a [10.0.0.1] a")
	if f.wait != 0 || !f.store.Snapshot().Ready() {
		t.Errorf("it waits for %v, and is ready: %v", f.wait, f.store.Snapshot().Ready())
	}
}
