package upstream

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// A status is read as it was written, also that of a server that resolv.conf may
// have and a configuration may not.
func TestStatusIsReadAsWritten(t *testing.T) {
	t.Parallel()
	for state := Unknown; state <= Looping; state++ {
		want := NewStatus(Server{Transport: UDP, Addr: netip.MustParseAddrPort("[fe80::1]:53")})
		want.State, want.Routes, want.General = state, []string{"corp.example"}, true
		want.RTT, want.P95 = Milliseconds(12345*time.Microsecond), Milliseconds(time.Minute)
		want.Queries, want.Failures = 3, 2
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Status
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		want.Addr = netip.AddrPort{} // is not written
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

func TestStatusIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"state":1}`, `{"rtt_ms":"1"}`} {
		var status Status
		if err := json.Unmarshal([]byte(text), &status); err == nil {
			t.Errorf("%s is read as %+v", text, status)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][2]string{
		0:                          {"0", "0ms"},
		250 * time.Microsecond:     {"0.25", "0.25ms"},
		12345678 * time.Nanosecond: {"12.345", "12.3ms"},
		1500 * time.Millisecond:    {"1500", "1.5e+03ms"},
		999 * time.Nanosecond:      {"0", "0ms"},
		100500 * time.Microsecond:  {"100.5", "100ms"},
	} {
		text, err := json.Marshal(Milliseconds(d))
		if got := [2]string{string(text), Milliseconds(d).String()}; err != nil || got != want {
			t.Errorf("%v: got %q and %v, want %q", d, got, err, want)
		}
	}
}
