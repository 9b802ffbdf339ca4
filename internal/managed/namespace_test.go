package managed

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// namespaceEnv is set for a test that runs in a namespace of its own.
const namespaceEnv = "MANAGED_TEST_NAMESPACE"

// inNamespace runs the calling test once more in a process with a mount
// namespace of its own, and reports whether this is that process. Nothing that
// it mounts is seen by the machine.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceEnv) != "" {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a mount namespace")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), namespaceEnv+"=1")
	// Unsharing, not cloning: the runtime makes the mounts private then.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err == nil && strings.Contains(string(out), "--- SKIP: "+t.Name()) {
		testkit.Skip(t, fmt.Sprintf("needs what a namespace does not allow here: %s", out))
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a namespace: %v\n%s", err, out)
	}
	return false
}

func mount(t *testing.T, source, target, kind string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		t.Fatalf("mount %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() { unix.Unmount(target, unix.MNT_DETACH) })
}

func TestReserveWithoutFallocateTakesTheRoom(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	dir := t.TempDir()
	mount(t, "ramfs", dir, "ramfs", 0, "") // which has no fallocate
	f, err := os.Create(dir + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("old"); err != nil {
		t.Fatal(err)
	}
	if err := reserve(f, 3, 4); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f.Name(), "old\n\n\n\n")
}
