// Command mutate shows which mistakes the tests of a package would not find. It
// makes small changes to the code, each alone (a mutant), and runs the tests
// on each: a mutant that they pass on survives.
//
//	go run ./internal/testkit/mutate -n 40 -seed 1 ./zone
//
// A seeded sample of each package is taken, of mutants that compile. The tree is
// not touched: a mutant is an overlay for go test. Its tests, which may do what
// they never did before, run in namespaces of their own, with files read-only.
//
// A survivor is printed in the form of the list of those that are equivalent,
// equivalent.txt: they change nothing that a test could see, or that a user
// would, each for a reason. These are left out of the sample. An entry that no
// mutant of the packages fits any more is an error.
//
// It is our own because each of those that there are for Go (gremlins,
// go-mutesting, ooze) lacks the sample or the list with its reasons, and all of
// them run the tests on the machine as it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the arguments of a run.
type options struct {
	dir         string // where patterns are relative to
	patterns    []string
	also        []string // packages whose tests are run as well
	count       int      // mutants of each package
	seed        uint64
	equivalents string // path of the list, below the module
	least       int    // percent that must be killed
	verbose     bool
	list        bool // print the sample, run nothing
}

func main() {
	if os.Getenv(sandboxVar) != "" {
		os.Exit(sandboxed(os.Args[1:]))
	}
	o := options{dir: "."}
	also := flag.String("also", "", "run the tests of these packages too, separated by commas")
	flag.IntVar(&o.count, "n", 20, "mutants of each package")
	flag.Uint64Var(&o.seed, "seed", 0, "which sample is taken; 0: another one each time")
	flag.StringVar(&o.equivalents, "equivalents", "internal/testkit/mutate/equivalent.txt", "the list of equivalent mutants")
	flag.IntVar(&o.least, "min", 0, "fail if fewer percent of a package's mutants are killed")
	flag.BoolVar(&o.verbose, "v", false, "print each mutant, not only survivors")
	flag.BoolVar(&o.list, "list", false, "print the sample, and run no tests")
	flag.Parse()
	o.patterns = flag.Args()
	if *also != "" {
		o.also = strings.Split(*also, ",")
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().Unix())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := mutate(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// tally is what became of a package's mutants.
type tally struct {
	killed, timedOut, survived, broken, untested, equivalent int
}

func (t tally) mutants() int { return t.killed + t.timedOut + t.survived }

func (t tally) String() string {
	return fmt.Sprintf("%d mutants, %d killed (%d by time), %d survived, %d did not compile, %d listed as equivalent; %d %%",
		t.mutants(), t.killed+t.timedOut, t.timedOut, t.survived, t.broken, t.equivalent, t.percent())
}

// percent is the share of killed mutants, those that ran out of time among them.
func (t tally) percent() int {
	if t.mutants() == 0 {
		return 100
	}
	return (t.killed + t.timedOut) * 100 / t.mutants()
}

// mutate runs the tests of each package on a sample of its mutants. It fails for
// tests that fail without one, for an entry of the list that fits no mutant, and
// for a package with too many survivors.
func mutate(ctx context.Context, o options, out io.Writer) error {
	packages, err := load(ctx, o.dir, o.patterns)
	if err != nil {
		return err
	}
	known, err := readEquivalents(packages[0].Module.Dir, o.equivalents)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	fmt.Fprintf(out, "seed %d\n", o.seed)
	var failed []string
	for _, p := range packages {
		since := time.Now()
		t, err := mutatePackage(ctx, o, p, known, work, out)
		if t.mutants() > 0 {
			fmt.Fprintf(out, "%s: %s, %s\n", p.rel(), t, time.Since(since).Round(time.Second))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.rel(), err)
		}
		if t.percent() < o.least {
			failed = append(failed, fmt.Sprintf("%s: %d %% killed, and not %d", p.rel(), t.percent(), o.least))
		}
	}
	for _, entry := range known.stale(packages) {
		failed = append(failed, fmt.Sprintf("%s:%d: no mutant of %s is this one any more", o.equivalents, entry.line, entry.place()))
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "\n"))
	}
	return nil
}

// mutatePackage takes the sample of a package, and prints what survives.
func mutatePackage(ctx context.Context, o options, p *pkg, known *equivalents, work string, out io.Writer) (tally, error) {
	var t tally
	candidates, err := p.mutants()
	if err != nil {
		return t, err
	}
	candidates, t.equivalent = known.without(candidates)
	test := func(context.Context, *mutant) (outcome, error) { return untested, nil }
	if !o.list {
		tester, err := newTester(ctx, p, o.also, work)
		if err != nil {
			return t, err
		}
		test = tester.test
	}
	shuffle(candidates, o.seed, p.ImportPath)
	for _, m := range candidates {
		if t.mutants()+t.untested >= o.count {
			break
		}
		if !p.compiles(m) {
			continue
		}
		v, err := test(ctx, m)
		if err != nil {
			return t, err
		}
		t.add(v)
		if o.verbose || v == survived || v == untested {
			fmt.Fprintf(out, "%s: %s\n%s", v, m.place(), m.diff())
		}
	}
	return t, nil
}

func (t *tally) add(v outcome) {
	switch v {
	case killed:
		t.killed++
	case timedOut:
		t.timedOut++
	case survived:
		t.survived++
	case broken:
		t.broken++
	case untested:
		t.untested++
	}
}
