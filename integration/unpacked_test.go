package integration

import (
	"os/exec"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// unpackedVar names the directory with the packages of unpacked.txt.
const unpackedVar = testkit.UnpackedVar

func needUnpacked(t testing.TB, programs ...string) {
	t.Helper()
	testkit.NeedUnpacked(t, programs...)
}

func unpackedLibraries(t testing.TB, pattern string) []string {
	t.Helper()
	return testkit.UnpackedLibraries(t, pattern)
}

func unpacked(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	return testkit.Unpacked(t, program, args...)
}
