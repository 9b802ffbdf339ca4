package packaging

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// hierarchy is where the unified hierarchy of cgroups is mounted: for itself, or
// beside older ones.
var hierarchy = []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}

// cgroup makes one below ours and returns a descriptor of it. It is removed,
// with what systemd has made in it, when the test ends.
//
// Without it all machines would share one tree with each other and, where ours
// is the root, with this machine: each would wait for the other's processes to
// end, and leave its units behind.
func cgroup(t *testing.T) (fd int) {
	t.Helper()
	i := slices.IndexFunc(hierarchy, func(path string) bool {
		var mounted unix.Statfs_t
		return unix.Statfs(path, &mounted) == nil && mounted.Type == unix.CGROUP2_SUPER_MAGIC
	})
	if i < 0 {
		testkit.Skip(t, "needs the unified hierarchy of cgroups")
	}
	dir, err := os.MkdirTemp(filepath.Join(hierarchy[i], ownCgroup(t, "self")), "nodedns-machine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeCgroup(t, dir) })
	opened, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return int(opened.Fd())
}

// ownCgroup is that of a process, as this machine calls it.
func ownCgroup(t *testing.T, pid string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	_, path, found := strings.Cut("\n"+string(text), "\n0::")
	if !found {
		t.Fatalf("process %s is in no cgroup of the unified hierarchy: %s", pid, text)
	}
	path, _, _ = strings.Cut(path, "\n")
	return path
}

// removeCgroup removes one whose processes have ended, from the leaves on.
func removeCgroup(t *testing.T, dir string) {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, path := range slices.Backward(found) {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}
