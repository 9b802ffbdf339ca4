package testkit

import (
	"errors"
	"testing"
	"time"
)

// Patience is when something that must happen counts as never happening. It
// does not measure speed: the slowest things awaited take 15 s by themselves,
// and the machine may be busy otherwise.
const Patience = time.Minute

// The time between two checks of what is awaited: the longer it takes, the less
// a little more matters. A check may start a process and keep the machine from
// getting there, so between two is costShare times what the last one took: all
// the checking takes a tenth of the time.
const (
	firstPoll = 5 * time.Millisecond
	lastPoll  = 200 * time.Millisecond
	costShare = 9
	// longestPause keeps a check that is slow by itself from being the last.
	longestPause = time.Second
)

// Eventually polls, where no event can be awaited, until a condition returns nil,
// and ends the test with its last error if it never does.
func Eventually(t testing.TB, what string, condition func() error) {
	t.Helper()
	EventuallyWithin(t, Patience, what, condition)
}

// EventuallyWithin is for what takes long by design.
func EventuallyWithin(t testing.TB, limit time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for pause := firstPoll; ; pause = min(pause*5/4, lastPoll) {
		begun := time.Now()
		err := condition()
		if err == nil {
			return
		}
		took := time.Since(begun)
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s: %v", limit, what, err)
		}
		time.Sleep(max(pause, min(costShare*took, longestPause)))
	}
}

var errNotYet = errors.New("it is not so")

// EventuallyTrue is Eventually for a condition without an error.
func EventuallyTrue(t testing.TB, what string, condition func() bool) {
	t.Helper()
	Eventually(t, what, func() error {
		if !condition() {
			return errNotYet
		}
		return nil
	})
}

// Must ends the test if a step of it failed.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
