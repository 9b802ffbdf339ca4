package integration

import (
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

// patience is how long tests wait until they fail.
const patience = testkit.Patience

// logbook keeps what a process writes.
type logbook = testkit.Log

func eventually(t testing.TB, what string, holds func() error) {
	t.Helper()
	testkit.Eventually(t, what, holds)
}

func eventuallyWithin(t testing.TB, limit time.Duration, what string, holds func() error) {
	t.Helper()
	testkit.EventuallyWithin(t, limit, what, holds)
}

func must(t testing.TB, err error) {
	t.Helper()
	testkit.Must(t, err)
}

func skip(t testing.TB, reason string) {
	t.Helper()
	testkit.Skip(t, reason)
}
