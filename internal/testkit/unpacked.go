package testkit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// UnpackedVar names the directory with the packages of integration/unpacked.txt.
const UnpackedVar = "NODEDNS_UNPACKED"

// NeedUnpacked skips a test that drives these programs where they are not.
func NeedUnpacked(t testing.TB, programs ...string) {
	t.Helper()
	if os.Getenv(UnpackedVar) == "" {
		Skip(t, "needs "+strings.Join(programs, " and ")+": .ci/unpack DIRECTORY, and name that in "+UnpackedVar)
	}
	for _, name := range programs {
		if _, err := os.Stat(UnpackedPath(name)); err != nil {
			Skip(t, fmt.Sprintf("needs the packages of unpacked.txt: %v", err))
		}
	}
}

// UnpackedPath is where a program is, or where it would be.
func UnpackedPath(program string) (path string) {
	for _, dir := range []string{"usr/bin", "bin", "lib/systemd", "usr/sbin"} {
		path = filepath.Join(os.Getenv(UnpackedVar), dir, program)
		if _, err := os.Stat(path); err == nil {
			break
		}
	}
	return path
}

// UnpackedLibraries are those that match a pattern, in the directories where
// Debian has its libraries.
func UnpackedLibraries(t testing.TB, pattern string) (found []string) {
	t.Helper()
	for _, lib := range []string{"lib", "usr/lib"} {
		here, err := filepath.Glob(filepath.Join(os.Getenv(UnpackedVar), lib, "*-linux-gnu", pattern))
		Must(t, err)
		found = append(found, here...)
	}
	return found
}

// UnpackedLibraryPath is LD_LIBRARY_PATH for such programs.
func UnpackedLibraryPath(t testing.TB) string {
	t.Helper()
	return strings.Join(append(UnpackedLibraries(t, ""), UnpackedLibraries(t, "systemd")...), ":")
}

// Unpacked is a command line of such a program, which finds its libraries.
func Unpacked(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(UnpackedPath(program), args...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+UnpackedLibraryPath(t))
	return cmd
}

// Tool is a command line of a program that may as well be installed. The test is
// skipped where it is neither.
func Tool(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(UnpackedPath(program)); os.Getenv(UnpackedVar) == "" || err != nil {
		if path, err := exec.LookPath(program); err == nil {
			return exec.Command(path, args...)
		}
	}
	NeedUnpacked(t, program)
	return Unpacked(t, program, args...)
}
