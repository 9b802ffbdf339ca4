package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// event is a line of "go test -json": see "go doc test2json", and "go help
// buildjson" for those of the compiler.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of what was built, in place of Package
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// test names a test, or with an empty name a package.
type test struct{ pkg, name string }

// report gathers what is to be printed.
type report struct {
	out    io.Writer
	failed bool
	output map[test][]string // of what has not ended yet
	skips  map[string][]test // by reason
	took   map[test]float64
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[test][]string{}, skips: map[string][]test{}, took: map[test]float64{}}
}

// read follows a stream of events to its end. Lines that are none, as those of
// the go command itself, are printed as they are.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.follow(e)
	}
	return lines.Err()
}

func (r *report) follow(e event) {
	of := test{cmp.Or(e.Package, e.ImportPath), e.Test}
	switch e.Action {
	case "output", "build-output":
		r.output[of] = append(r.output[of], e.Output)
	case "skip":
		// There is nothing to report for a package without tests.
		if e.Test != "" {
			reason := reasonOf(r.output[of])
			r.skips[reason] = append(r.skips[reason], of)
		}
		delete(r.output, of)
	case "pass":
		if e.Test == "" {
			r.printOutput(of, isVerdict)
		}
		r.took[of] = e.Elapsed
		delete(r.output, of)
	case "fail", "build-fail":
		r.failed = true
		r.took[of] = e.Elapsed
		if e.FailedBuild != "" {
			r.printOutput(test{e.FailedBuild, ""}, isAny)
		}
		r.printOutput(of, isAny)
		r.printUnfinished(of)
	}
}

// printUnfinished prints what a test had written that the failure of its package
// cut off, as when time is up.
func (r *report) printUnfinished(failed test) {
	if failed.name != "" {
		return
	}
	for of := range maps.Clone(r.output) {
		if of.pkg == failed.pkg {
			r.printOutput(of, isAny)
		}
	}
}

func (r *report) printOutput(of test, which func(line string) bool) {
	for _, line := range r.output[of] {
		if which(line) {
			fmt.Fprint(r.out, line)
		}
	}
	delete(r.output, of)
}

func isAny(line string) bool {
	return !strings.HasPrefix(line, "=== ")
}

// isVerdict matches the line that "go test" prints for a package.
func isVerdict(line string) bool {
	return strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ")
}

// printed is a line that a test logs: indented, with its place.
var printed = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)\n?$`)

// reasonOf finds in the output of a test why it was skipped: the last that it
// logs.
func reasonOf(output []string) string {
	for _, line := range slices.Backward(output) {
		if found := printed.FindStringSubmatch(line); found != nil {
			return strings.TrimSpace(found[1])
		}
	}
	return "no reason given"
}

// printSkips lists the tests that were skipped, the most frequent reason first.
func (r *report) printSkips() {
	if len(r.skips) == 0 {
		return
	}
	total := 0
	for _, tests := range r.skips {
		total += len(tests)
	}
	fmt.Fprintf(r.out, "\n%d skipped:\n", total)
	reasons := slices.SortedFunc(maps.Keys(r.skips), func(a, b string) int {
		return cmp.Or(len(r.skips[b])-len(r.skips[a]), strings.Compare(a, b))
	})
	for _, reason := range reasons {
		fmt.Fprintf(r.out, "%5d  %s\n", len(r.skips[reason]), reason)
		for pkg, names := range byPackage(r.skips[reason]) {
			fmt.Fprintf(r.out, "       %s: %s\n", pkg, abridged(names))
		}
	}
}

// lacking reports whether a test was skipped because something is missing, and
// not because it takes long: see testkit.Long.
func (r *report) lacking() bool {
	for reason := range r.skips {
		if !strings.HasPrefix(reason, "takes long: ") {
			return true
		}
	}
	return false
}

// byPackage sorts tests under the last elements of their packages' paths.
func byPackage(tests []test) func(yield func(string, []string) bool) {
	names := map[string][]string{}
	for _, of := range tests {
		names[of.pkg] = append(names[of.pkg], of.name)
	}
	return func(yield func(string, []string) bool) {
		for _, pkg := range slices.Sorted(maps.Keys(names)) {
			if !yield(path.Base(pkg), names[pkg]) {
				return
			}
		}
	}
}

// abridged lists some names and counts the others.
func abridged(names []string) string {
	const most = 6
	if rest := len(names) - most; rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), rest)
	}
	return strings.Join(names, ", ")
}

// printSlowest lists the tests that took longest, without what they are part of.
func (r *report) printSlowest(most int) {
	if most == 0 {
		return
	}
	tests := slices.SortedFunc(maps.Keys(r.took), func(a, b test) int { return cmp.Compare(r.took[b], r.took[a]) })
	fmt.Fprintln(r.out, "\nslowest:")
	for _, of := range tests[:min(most, len(tests))] {
		fmt.Fprintf(r.out, "%8.2f s  %s %s\n", r.took[of], path.Base(of.pkg), of.name)
	}
}
