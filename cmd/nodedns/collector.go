package main

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// heapGrowth is by how much the heap may grow, in percent of what lives, before
// garbage is collected. Go's own 100 keeps a large zone in memory twice, and
// saves little here: a zone has hardly any pointers to follow.
const heapGrowth = 50

// limitShare is which part of the memory that the process may have, in percent, the
// runtime keeps below by collecting more often. The rest is for what it does not count:
// buffers of sockets, page tables, pages of the program.
const limitShare = 85

// paceCollector makes the collector keep to heapGrowth, and to limitShare of what limit
// returns, until the function that it returns is called. A setting in the environment
// has precedence.
func paceCollector(limit memlimit.Provider) (undo func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	percent, most := debug.SetGCPercent(heapGrowth), debug.SetMemoryLimit(-1)
	// Where none is known there is nothing to keep to.
	if allowed, err := limit(); err == nil && allowed <= math.MaxInt64 {
		debug.SetMemoryLimit(int64(allowed / 100 * limitShare))
	}
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(most)
	}
}

// collectOnce collects what the start has left behind. An idle daemon allocates
// nothing, so the next collection might be minutes away. It runs beside the
// answering of queries, and the runtime gives back what is then free little by
// little; debug.FreeOSMemory would do so at once, and hold up queries meanwhile.
func collectOnce() { runtime.GC() }
