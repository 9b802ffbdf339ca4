package testkit

import (
	"os"
	"testing"
)

// Skip skips a test that cannot run here for a reason that starts with "needs".
// With NODEDNS_REQUIRE_ALL=1 the test fails instead.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("NODEDNS_REQUIRE_ALL") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// Full reports whether tests that take long are run: NODEDNS_FULL=1, as .ci/full
// has it.
func Full() bool { return os.Getenv("NODEDNS_FULL") == "1" }

// Long skips a test that is not for every change, since it takes long.
func Long(t testing.TB) {
	t.Helper()
	if !Full() {
		t.Skip("takes long: NODEDNS_FULL=1 runs it, as .ci/full does")
	}
}

// Some are the first few rows of a test, and with NODEDNS_FULL=1 all of them. The
// first ones cover what the test is about; the others vary it, which is not for
// every change.
func Some[T any](few int, rows []T) []T {
	if Full() {
		return rows
	}
	return rows[:min(few, len(rows))]
}

// Times is how often something is done for every change, or with NODEDNS_FULL=1.
func Times(normally, full int) int {
	if Full() {
		return full
	}
	return normally
}

// Memory skips a test that measures memory where the race detector is on: its
// runtime needs more of it, and ten times the time. The test has to be one that
// finds no races that others would not.
func Memory(t testing.TB) {
	t.Helper()
	if raceDetector {
		t.Skip("measures memory, which the race detector changes")
	}
}

// Processes skips a test that starts processes of its own binary by the hundred where
// the race detector is on: each is slow to start then. The test has to be one that finds
// no races that others would not.
func Processes(t testing.TB) {
	t.Helper()
	if raceDetector {
		t.Skip("starts many processes, which the race detector makes slow")
	}
}
