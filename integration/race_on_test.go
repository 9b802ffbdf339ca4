//go:build race

package integration

// raceDetector says that the programs are built with the race detector too.
const raceDetector = true
