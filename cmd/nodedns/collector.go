package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// heapGrowth is by how much the heap may grow, in percent of what lives, before
// garbage is collected. Go's own 100 keeps a large zone in memory twice, and
// saves little here: a zone has hardly any pointers to follow.
const heapGrowth = 50

// paceCollector makes the collector keep to heapGrowth until the function that
// it returns is called. A setting in the environment has precedence.
func paceCollector() (undo func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(heapGrowth)
	return func() { debug.SetGCPercent(before) }
}

// collectOnce collects what the start has left behind. An idle daemon allocates
// nothing, so the next collection might be minutes away. It runs beside the
// answering of queries, and the runtime gives back what is then free little by
// little; debug.FreeOSMemory would do so at once, and hold up queries meanwhile.
func collectOnce() { runtime.GC() }
