package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unpackedVar names the directory with the packages of unpacked.txt.
const unpackedVar = "NODEDNS_UNPACKED"

// needUnpacked skips a test that drives these programs where they are not.
func needUnpacked(t testing.TB, programs ...string) {
	t.Helper()
	if os.Getenv(unpackedVar) == "" {
		skip(t, "needs "+strings.Join(programs, " and ")+": .ci/unpack DIRECTORY, and name that in "+unpackedVar)
	}
	for _, name := range programs {
		if _, err := os.Stat(unpackedPath(name)); err != nil {
			skip(t, fmt.Sprintf("needs the packages of unpacked.txt: %v", err))
		}
	}
}

// unpackedPath is where a program is, or where it would be.
func unpackedPath(program string) (path string) {
	for _, dir := range []string{"usr/bin", "lib/systemd", "usr/sbin"} {
		path = filepath.Join(os.Getenv(unpackedVar), dir, program)
		if _, err := os.Stat(path); err == nil {
			break
		}
	}
	return path
}

// unpackedLibraries are those that match a pattern, in the directories where
// Debian has its libraries.
func unpackedLibraries(t testing.TB, pattern string) (found []string) {
	t.Helper()
	for _, lib := range []string{"lib", "usr/lib"} {
		here, err := filepath.Glob(filepath.Join(os.Getenv(unpackedVar), lib, "*-linux-gnu", pattern))
		must(t, err)
		found = append(found, here...)
	}
	return found
}

// unpacked is a command line of such a program, which finds its libraries.
func unpacked(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	libraries := append(unpackedLibraries(t, ""), unpackedLibraries(t, "systemd")...)
	cmd := exec.Command(unpackedPath(program), args...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
	return cmd
}
