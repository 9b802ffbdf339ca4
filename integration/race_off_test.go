//go:build !race

package integration

// raceDetector reports whether the programs are built with the race detector
// too.
const raceDetector = false
