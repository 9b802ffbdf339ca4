package main

import (
	"runtime/debug"
	"testing"
)

// percent is the one in force.
func percent() int {
	p := debug.SetGCPercent(100)
	debug.SetGCPercent(p)
	return p
}

// Not parallel: the percentage is the whole process's.
func TestPaceCollector(t *testing.T) {
	for _, test := range []struct {
		name, percent, limit string
		paced                bool
	}{
		{"by default", "", "", true},
		{"with a percentage of the user's", "70", "", false},
		{"with a limit of the user's", "", "100MiB", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOGC", test.percent)
			t.Setenv("GOMEMLIMIT", test.limit)
			before := percent()
			undo := paceCollector()
			want := before
			if test.paced {
				want = heapGrowth
			}
			if got := percent(); got != want {
				t.Errorf("the percentage is %d, want %d", got, want)
			}
			undo()
			if got := percent(); got != before {
				t.Errorf("the percentage is %d afterwards, want %d as before", got, before)
			}
		})
	}
}
