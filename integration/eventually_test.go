package integration

import (
	"testing"
	"time"
)

const (
	// patience is when something that was awaited counts as never happening.
	// It is no measure of speed: the slowest things awaited take 15 s by
	// themselves, on machines that do much else.
	patience = 60 * time.Second
	// glance is the time between two looks at what is awaited.
	glance = 20 * time.Millisecond
)

// eventually waits until a condition holds, and ends the test with its last
// error if it never does.
func eventually(t testing.TB, what string, holds func() error) {
	t.Helper()
	eventuallyWithin(t, patience, what, holds)
}

// eventuallyWithin is for what takes long by design.
func eventuallyWithin(t testing.TB, limit time.Duration, what string, holds func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s: %v", what, err)
		}
		time.Sleep(glance)
	}
}

// must ends the test if a step of it failed.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
