package integration

import (
	"errors"
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

// awaitAll checks all of these, and again those that are wrong, until none is:
// they have one time together. What comes of a real server is checked so, or by
// eventually. A busy machine may keep such a server silent for so long that it
// counts as down for a while, and what is asked of it fails meanwhile. What needs
// no server has to be right at once.
func awaitAll[T any](t testing.TB, what string, all []T, wrong func(T) error) {
	t.Helper()
	eventually(t, what, func() error {
		var errs []error
		var left []T
		for _, one := range all {
			if err := wrong(one); err != nil {
				errs, left = append(errs, err), append(left, one)
			}
		}
		all = left
		return errors.Join(errs...)
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	testkit.Must(t, err)
}

func skip(t testing.TB, reason string) {
	t.Helper()
	testkit.Skip(t, reason)
}

// everyThird is every third of some things, names say, and with NODEDNS_FULL=1 all
// of them. Which these are depends on the number of what they are tried with, so
// that each name is tried with something, and that with several kinds of names.
func everyThird[T any](number int, all ...T) (some []T) {
	for i, one := range all {
		if testkit.Full() || (i+number)%3 == 0 {
			some = append(some, one)
		}
	}
	return some
}
