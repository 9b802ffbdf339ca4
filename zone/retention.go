package zone

import (
	"errors"
	"time"
)

// DefaultRetention is what the zero [Retention] stands for: a week.
const DefaultRetention = 168 * time.Hour

// Retention is how long a departed node is still answered, counted while a
// cluster source is connected. The zero value is [DefaultRetention].
type Retention struct {
	kind retentionKind
	time time.Duration
}

type retentionKind uint8

const (
	retainDefault retentionKind = iota
	retainFor
	retainForever
)

// RetainForever never drops a departed node.
var RetainForever = Retention{kind: retainForever}

// RetainFor drops a departed node after d; with 0 at the next check, which is
// within a minute. A negative d is 0.
func RetainFor(d time.Duration) Retention { return Retention{retainFor, max(d, 0)} }

// expired reports whether a node that departed so long ago is to be dropped.
func (r Retention) expired(departedFor time.Duration) bool {
	return r.kind != retainForever && departedFor >= r.duration()
}

func (r Retention) duration() time.Duration {
	if r.kind == retainDefault {
		return DefaultRetention
	}
	return r.time
}

// String is the retention as UnmarshalText reads it.
func (r Retention) String() string {
	if r.kind == retainForever {
		return "forever"
	}
	return r.duration().String()
}

// MarshalText returns what String does.
func (r Retention) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a duration such as "168h", or "forever". An error completes
// the sentence "got X, …".
func (r *Retention) UnmarshalText(text []byte) error {
	if string(text) == "forever" {
		*r = RetainForever
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return errors.New(`expected a duration such as "168h", which is a week, or "forever"`)
	}
	*r = RetainFor(d)
	return nil
}
