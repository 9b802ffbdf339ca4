package zone

import (
	"testing"
	"time"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Retention{
		"0s": RetainFor(0), "1h0m0s": RetainFor(time.Hour), "forever": RetainForever, "168h0m0s": RetainFor(DefaultRetention),
	} {
		var got Retention
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != text {
			t.Errorf("%s is read as %v, error %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1ns", "7d", "Forever", "never"} {
		if err := new(Retention).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for _, c := range []struct {
		retention Retention
		departed  time.Duration
		want      bool
	}{
		{Retention{}, DefaultRetention - 1, false},
		{Retention{}, DefaultRetention, true},
		{RetainFor(0), 0, true},
		{RetainFor(-time.Second), 0, true},
		{RetainForever, 1 << 62, false},
	} {
		if got := c.retention.expired(c.departed); got != c.want {
			t.Errorf("%v after %v: expired %v, want %v", c.retention, c.departed, got, c.want)
		}
	}
}
