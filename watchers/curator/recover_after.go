package curator

import (
	"cmp"
	"errors"
	"time"
)

// RecoverAfter is how long only nodes that are not entitled must have answered
// for one to be believed at an endpoint without a pin. The zero value is
// [DefaultRecoverAfter].
type RecoverAfter time.Duration

const (
	// DefaultRecoverAfter is what a RecoverAfter of zero stands for.
	DefaultRecoverAfter = RecoverAfter(15 * time.Minute)
	// NeverRecover leaves the decision to [Watcher.Trust].
	NeverRecover RecoverAfter = -1
)

// duration is negative for never.
func (r RecoverAfter) duration() time.Duration {
	return time.Duration(cmp.Or(r, DefaultRecoverAfter))
}

// String is the time as UnmarshalText reads it.
func (r RecoverAfter) String() string {
	if r < 0 {
		return "never"
	}
	return r.duration().String()
}

// MarshalText returns what String does.
func (r RecoverAfter) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a duration above zero, or "never". An error completes the
// sentence "got X, …".
func (r *RecoverAfter) UnmarshalText(text []byte) error {
	if string(text) == "never" {
		*r = NeverRecover
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return errors.New(`expected a duration such as "15m", or "never"`)
	}
	*r = RecoverAfter(d)
	return nil
}
