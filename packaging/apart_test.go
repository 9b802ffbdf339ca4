package packaging

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// A machine that the tests boot changes nothing of the one that they run on.
func TestMachineIsApart(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	d := boot(t)
	pid := strconv.Itoa(d.pid)
	for _, kind := range []string{"mnt", "pid", "uts", "ipc", "net", "cgroup"} {
		ours, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		if theirs, err := os.Readlink("/proc/" + pid + "/ns/" + kind); err != nil || theirs == ours {
			t.Errorf("the namespace %s is %s (error %v), and ours", kind, theirs, err)
		}
	}
	for _, path := range []string{"/proc/sys", "/sys"} {
		var mounted unix.Statfs_t
		if err := unix.Statfs(d.path(path), &mounted); err != nil || mounted.Flags&unix.ST_RDONLY == 0 {
			t.Errorf("%s can be written to (error %v)", path, err)
		}
	}
	if got := ownCgroup(t, pid); !strings.Contains(got, "/nodedns-machine-") {
		t.Errorf("its cgroups are below %s, beside ours", got)
	}
	if got := strings.TrimSpace(d.run("cat", "/proc/1/cgroup")); got != "0::/init.scope" && !strings.HasSuffix(got, "\n0::/init.scope") {
		t.Errorf("for itself it is in %s", got)
	}
}
