package integration

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit/baddisk"
)

// binariesVar names the directory of the programs for the tests inside the
// sandbox. That it is set also shows that they are inside.
const binariesVar = "NODEDNS_INTEGRATION_BINARIES"

// binaries is the directory of the built programs.
var binaries string

// outside is why there is no sandbox, or empty in it.
var outside string

// The main goroutine keeps the main thread. No machine can get it then, and
// /proc/self, which is the main thread's view, stays that of the sandbox. The
// sandbox also lives as long as the thread that started it.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	code, err := enter(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

// enter runs the tests: in a sandbox if there can be one.
func enter(m *testing.M) (code int, err error) {
	baddisk.Exec()
	if name := os.Getenv(lookupVar); name != "" {
		return 0, printAddresses(name)
	}
	if to := os.Getenv(floodVar); to != "" {
		return 1, flood(to)
	}
	if binaries = os.Getenv(binariesVar); binaries != "" {
		if err := furnish(); err != nil {
			return 1, fmt.Errorf("furnishing the sandbox: %w", err)
		}
		return m.Run(), nil
	}
	// Everything temporary is in one place that the parent removes, since the
	// sandbox may be killed.
	dir, err := os.MkdirTemp("", "nodedns-integration-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	// "nodedns try" is run by another user, who needs access to the program.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	if err := build(dir); err != nil {
		return 1, err
	}
	code, err = sandbox(dir)
	if errors.Is(err, unix.EPERM) {
		binaries, outside = dir, "needs root, with CAP_SYS_ADMIN, to make namespaces"
		return m.Run(), nil
	}
	return code, err
}

// build makes the programs as packages have them, without the C library: they also
// start faster. It needs the network namespace of the machine if modules are still
// to be fetched.
func build(dir string) error {
	args, cgo := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", dir + "/"}, "0"
	if raceDetector {
		args, cgo = append(args, "-race"), "1"
	}
	args = append(args, "../cmd/nodedns", "../watchers/curator/memory/memcurator")
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("building the programs: %w", err)
	}
	return nil
}

// sandbox runs this test binary again as the first process of new namespaces.
// The kernel kills all that is in them when it ends, and ends it with us. The
// error of a user that may not make namespaces is EPERM.
func sandbox(dir string) (code int, err error) {
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return 1, err
	}
	// Most tests wait for something, and there are more of them than CPUs. A
	// -parallel of the command line comes later and wins.
	args := append([]string{"-test.parallel=16"}, os.Args[1:]...)
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), binariesVar+"="+dir, "TMPDIR="+tmp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWUTS,
		Pdeathsig:  unix.SIGKILL,
	}
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case err != nil:
		return 1, fmt.Errorf("making the sandbox: %w", err)
	}
	return 0, nil
}

// furnish makes the new namespaces usable.
func furnish() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

// readTree looks into every directory of the project. The go command does not
// know the sources of the programs, and would reuse a stale result; but it
// records which directories a test opened, and what was in them.
var readTree = sync.OnceValue(func() error {
	return filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != ".." {
			return fs.SkipDir
		}
		return err
	})
})

// needSandbox skips a test that cannot run where it is. With
// NODEDNS_REQUIRE_ALL=1 nothing may be skipped.
func needSandbox(t testing.TB, programs ...string) {
	t.Helper()
	must(t, readTree())
	if outside != "" {
		skip(t, outside)
	}
	for _, name := range append(programs, "ip", "nft", "dig", "getent") {
		if _, err := exec.LookPath(name); err != nil {
			skip(t, fmt.Sprintf("needs %s: install the packages of packages.txt", name))
		}
	}
}
