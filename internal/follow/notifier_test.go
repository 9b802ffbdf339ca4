package follow

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// changedWatches records which watches are set and given up.
type changedWatches struct {
	watches
	changed []string
}

func (c *changedWatches) Add(path string) error {
	err := c.watches.Add(path)
	if err == nil {
		c.changed = append(c.changed, "+"+path)
	}
	return err
}

func (c *changedWatches) Remove(path string) error {
	c.changed = append(c.changed, "-"+path)
	return c.watches.Remove(path)
}

// awaitNotifier returns one that receives notifications. Other tests may have all of
// the machine's inotify instances for a while.
func awaitNotifier(t *testing.T) (n *notifier) {
	t.Helper()
	testkit.Eventually(t, "there is an inotify instance", func() error {
		n = newNotifier()
		return n.failed
	})
	return n
}

// A watch that is given up is a notification, and each of these wakes the
// machine.
func TestWatchesAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.MkdirAll(dir+"/a/b", 0o755))
	write(t, dir+"/a/b/real", "1")
	relink(t, "a/b/real", dir+"/file")
	n := awaitNotifier(t)
	defer n.close()
	c := &changedWatches{watches: n.watches}
	n.watches = c
	rewatch := func() (changed []string) {
		t.Helper()
		if all, err := n.rewatch("", []string{dir + "/file", dir + "/missing"}); err != nil || !all {
			t.Fatalf("all %v, error %v", all, err)
		}
		changed, c.changed = c.changed, nil
		slices.Sort(changed)
		return changed
	}
	if set := rewatch(); !slices.Contains(set, "+"+dir+"/a/b") || !slices.Contains(set, "+/") {
		t.Errorf("watched is %q", set)
	}
	if changed := rewatch(); changed != nil {
		t.Errorf("nothing has changed, and watches did: %q", changed)
	}
	relink(t, "a/real", dir+"/file")
	if changed := rewatch(); !slices.Equal(changed, []string{"-" + dir + "/a/b", "-" + dir + "/a/b/real"}) {
		t.Errorf("the symlink leads elsewhere, and changed are %q", changed)
	}
	must(t, os.Rename(dir+"/a", dir+"/b"))
	must(t, os.Mkdir(dir+"/a", 0o755))
	if changed := rewatch(); !slices.Equal(changed, []string{"+" + dir + "/a", "-" + dir + "/a"}) {
		t.Errorf("the directory is another one, and changed are %q", changed)
	}
}

// The kernel notifies of no change that it makes itself in a pseudo-file system.
func TestFollowWhereNotAllChangesAreNotified(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread() // for good: the name is the thread's
	file := fmt.Sprintf("/proc/self/task/%d/comm", unix.Gettid())
	await := follow(t, &Follower{Files: []string{file}, remote: time.Millisecond})
	for _, name := range []string{"one", "two"} {
		text, err := unix.BytePtrFromString(name)
		must(t, err)
		must(t, unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(text)), 0, 0, 0))
		await(name + "\n")
	}
}

// The kernel notifies of all changes of an overlay, also of a file that is
// copied up from a lower layer by the change.
func TestFollowOnAnOverlay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, layer := range []string{"lower/etc", "upper", "work"} {
		must(t, os.MkdirAll(dir+"/"+layer, 0o755))
	}
	write(t, dir+"/lower/etc/file", "1")
	root := mountOverlay(t, dir)
	await := follow(t, &Follower{Root: root, Files: []string{"/etc/file"}})
	await("1")
	write(t, root+"/etc/file", "2")
	await("2")
	write(t, root+"/etc/file", "3")
	await("3")
	write(t, root+"/etc/new", "4")
	must(t, os.Rename(root+"/etc/new", root+"/etc/file"))
	await("4")
	must(t, os.Remove(root+"/etc/file"))
	await("missing")
}

// mountOverlay makes an overlay of the directories lower and upper that is
// mounted nowhere, and returns a path to it.
func mountOverlay(t *testing.T, dir string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		testkit.Skip(t, "needs root, to make an overlay")
	}
	config, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	must(t, err)
	defer unix.Close(config)
	for _, option := range []string{"lowerdir=" + dir + "/lower", "upperdir=" + dir + "/upper", "workdir=" + dir + "/work"} {
		key, value, _ := strings.Cut(option, "=")
		must(t, unix.FsconfigSetString(config, key, value))
	}
	must(t, unix.FsconfigCreate(config))
	mount, err := unix.Fsmount(config, unix.FSMOUNT_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(mount) })
	return fmt.Sprintf("/proc/self/fd/%d", mount)
}

// A directory that may be passed through but not read can't be watched, and need
// not be.
func TestDirectoriesOnTheWayNeedNotBeReadable(t *testing.T) {
	t.Parallel()
	n := notifier{held: map[string]identity{}, watches: unreadable("/a")}
	if err := n.watch(survey{places: map[string]place{"/a": {}, "/a/b": {needed: true}}}); err != nil {
		t.Error(err)
	}
	if err := n.watch(survey{places: map[string]place{"/a": {needed: true}}}); err == nil {
		t.Error("no error for a directory that the file lies in")
	}
}

// unreadable are watches of which that of one path is not allowed.
type unreadable string

func (u unreadable) Add(path string) error {
	if path == string(u) {
		return unix.EACCES
	}
	return nil
}

func (unreadable) Remove(string) error { return nil }
func (unreadable) WatchList() []string { return nil }
