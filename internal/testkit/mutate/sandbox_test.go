package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// needsSandbox skips a test where there are no namespaces to be had.
func needsSandbox(t *testing.T) {
	t.Helper()
	if out, err := inSandbox(t.Context(), t.TempDir(), "true").CombinedOutput(); err != nil {
		testkit.Skip(t, "needs namespaces, as root or a user: "+err.Error()+": "+string(out))
	}
}

func TestSandboxIsItsOwn(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	for _, kind := range []string{"mnt", "net", "uts", "ipc", "pid"} {
		link := "/proc/self/ns/" + kind
		ours, err := os.Readlink(link)
		if err != nil {
			t.Fatal(err)
		}
		out, err := inSandbox(t.Context(), t.TempDir(), "readlink", link).CombinedOutput()
		if theirs := strings.TrimSpace(string(out)); err != nil || theirs == ours || !strings.HasPrefix(theirs, kind) {
			t.Errorf("%s: %q inside, %q here: %v", kind, theirs, ours, err)
		}
	}
}

func TestSandboxKeepsFiles(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	file := filepath.Join(t.TempDir(), "file")
	out, err := inSandbox(t.Context(), t.TempDir(), "sh", "-c",
		`touch "$TMPDIR/x" /run/x && [ -z "$NODEDNS_MUTATE_SANDBOX" ] && ! touch "$0"`, file).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(file); err == nil {
		t.Errorf("%s was made from inside", file)
	}
	if _, err := os.Stat("/run/x"); err == nil {
		t.Error("/run/x was made from inside")
	}
}

func TestSandboxReturnsTheStatus(t *testing.T) {
	t.Parallel()
	needsSandbox(t)
	for script, want := range map[string]int{"exit 3": 3, "kill -9 $$": 1} {
		err := inSandbox(t.Context(), t.TempDir(), "sh", "-c", script).Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != want {
			t.Errorf("%s: %v, and not status %d", script, err, want)
		}
	}
}
