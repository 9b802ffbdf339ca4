// Command report reads what "go test -json" writes and prints a summary for
// people: a line for each package, all output of what failed, and at the end
// which tests were skipped, and why.
//
//	go test -json ./... | go run ./internal/testkit/report
//
// It fails if a test failed, and with -no-skips also if one was skipped, but for
// those that take long and run in .ci/full.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	noSkips := flag.Bool("no-skips", false, "fail if a test was skipped")
	slowest := flag.Int("slowest", 0, "also list so many tests that took longest")
	flag.Parse()
	r := newReport(os.Stdout)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(2)
	}
	r.printSlowest(*slowest)
	r.printSkips()
	if r.failed || *noSkips && r.lacking() {
		os.Exit(1)
	}
}
