package resolvconf

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespaceEnv is set for a test that runs in a namespace of its own.
const namespaceEnv = "RESOLVCONF_TEST_NAMESPACE"

// inNamespace runs the calling test once more in a process with a mount
// namespace of its own, and reports whether this is that process.
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
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a namespace: %v\n%s", err, out)
	}
	return false
}

// A container engine mounts resolv.conf: it can only be written in place.
func TestAMountedFileIsWrittenInPlace(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	r := newTree(t)
	r.write("/source", "search a.example\n")
	r.write(usualPath, "")
	if err := unix.Mount(r.path("/source"), r.path(usualPath), "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(r.path(usualPath), unix.MNT_DETACH) })
	b := r.prepare()
	b.Set(ModeStub, false)
	b.Start(t.Context())
	b.wantState(StateStub, "")
	r.want("/source", stub("search a.example", edns))

	// Killed, started again, killed again and restored.
	b = r.prepare()
	b.Set(ModeStub, false)
	b.Start(t.Context())
	r.want("/source", stub("search a.example", edns))
	if _, err := Restore(b.config()); err != nil {
		t.Error(err)
	}
	r.want("/source", "search a.example\n")
}
