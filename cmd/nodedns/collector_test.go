package main

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// collectorPace is what is in force.
type collectorPace struct {
	percent int
	limit   int64
}

func presentPace() (p collectorPace) {
	p.percent = debug.SetGCPercent(100)
	debug.SetGCPercent(p.percent)
	p.limit = debug.SetMemoryLimit(-1)
	return p
}

// Not parallel: the pace is the whole process's.
func TestPaceCollector(t *testing.T) {
	const mebibyte = 1 << 20
	before := presentPace()
	unlimited := func() (uint64, error) { return 0, memlimit.ErrNoLimit }
	for _, test := range []struct {
		name, percent, limit string
		allowed              memlimit.Provider
		want                 collectorPace
	}{
		{"without a limit", "", "", unlimited, collectorPace{heapGrowth, before.limit}},
		{"with one", "", "", memlimit.Limit(100 * mebibyte), collectorPace{heapGrowth, 85 * mebibyte}},
		{"with one that is none", "", "", memlimit.Limit(math.MaxUint64), collectorPace{heapGrowth, before.limit}},
		{"with a percentage of the user's", "70", "", memlimit.Limit(mebibyte), before},
		{"with a limit of the user's", "", "100MiB", memlimit.Limit(mebibyte), before},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("GOGC", test.percent)
			t.Setenv("GOMEMLIMIT", test.limit)
			undo := paceCollector(test.allowed)
			if got := presentPace(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			undo()
			if got := presentPace(); got != before {
				t.Errorf("afterwards it is %+v, want %+v as before", got, before)
			}
		})
	}
}
