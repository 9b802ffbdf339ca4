package resolvconf

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

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
	b.Set(ModeStub, false, "")
	b.Start(t.Context())
	b.wantState(StateStub, "")
	r.want("/source", stub("search a.example", edns))

	// Killed, started again, killed again and restored.
	b = r.prepare()
	b.Set(ModeStub, false, "")
	b.Start(t.Context())
	r.want("/source", stub("search a.example", edns))
	if _, err := Restore(b.config()); err != nil {
		t.Error(err)
	}
	r.want("/source", "search a.example\n")
}

// takenBack has a Keeper that does not run notice that its file was overwritten,
// and take it back.
func (b *bubble) takenBack() {
	b.t.Helper()
	b.step(b.t.Context())
	b.wantState(StateContested, "")
	time.Sleep(b.overwrites.wait(time.Now()))
	b.step(b.t.Context())
	b.wantState(StateStub, "")
}

// Some scripts of wg-quick mount a file over resolv.conf, and unmount it.
func TestAFileThatIsMountedOverOurs(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	r := newTree(t)
	r.write(usualPath, owners)
	b := r.prepare()
	b.Set(ModeStub, false, "")
	b.Start(t.Context())
	for range 2 {
		r.write("/vpn", vpns)
		if err := unix.Mount(r.path("/vpn"), r.path(usualPath), "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		r.wantServers(vpns)
		b.takenBack()
		r.wantServers(vpns)
		if err := unix.Unmount(r.path(usualPath), unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		r.wantServers("nameserver 192.0.2.1\n")
		b.takenBack()
		r.wantServers("nameserver 192.0.2.1\n")
	}
	if err := b.Restore(); err != nil {
		t.Error(err)
	}
	r.want(usualPath, owners)
}
