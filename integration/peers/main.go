package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// settings are the command line.
type settings struct {
	peers   []string
	rows    []string
	sizes   []int // numbers of nodes, ascending
	seconds float64
	rounds  int
	rate    float64 // queries a second of the row of that name
	churn   int     // changes a second of the row busy
	idle    int     // connections
	cache   string  // directory
	out     string  // directory
	server  int     // CPU
	load    int     // CPU
}

// exitNoSandbox is the exit status where namespaces are not available.
const exitNoSandbox = 3

// Children are started on the main thread: its affinity is theirs, and they
// are killed when it ends.
func init() { runtime.LockOSThread() }

func main() {
	err := run(os.Args[1:])
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errNoSandbox):
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(exitNoSandbox)
	default:
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	set, err := parse(args)
	if err != nil {
		return err
	}
	if inside() {
		return measure(set)
	}
	if err := os.MkdirAll(set.out, 0o755); err != nil {
		return err
	}
	s, err := openShelf(set.cache)
	if err != nil {
		return err
	}
	s.obtain(set)
	if err := s.save(); err != nil {
		return err
	}
	return enter(args)
}

// measure is the second stage, in the sandbox.
func measure(set settings) error {
	switch err := furnish(set.cache); {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", errNoSandbox, err)
	case err != nil:
		return err
	}
	s, err := savedShelf(shelfDir)
	if err != nil {
		return err
	}
	results, err := createResults(filepath.Join(set.out, "peers.json"))
	if err != nil {
		return err
	}
	b := &bench{settings: set, shelf: s, results: results}
	b.clear() // what a killed run left
	defer b.clear()
	b.run()
	b.print(os.Stdout)
	return errors.Join(b.results.close(), b.results.failure())
}

func parse(args []string) (settings, error) {
	set := settings{}
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	names := flags.String("peers", strings.Join(peerNames(), ","), "`servers` to compare; the echo always takes part")
	rows := flags.String("rows", strings.Join(rowNames(), ","), "what to measure, as `names`")
	sizes := flags.String("sizes", "1000,100000,1000000", "`numbers` of nodes")
	quick := flags.Bool("quick", false, "one short round with 1,000 nodes, to see that everything works")
	flags.Float64Var(&set.seconds, "seconds", 1, "`seconds` for one run")
	flags.IntVar(&set.rounds, "rounds", 3, "`number` of rounds, of which the median counts")
	flags.Float64Var(&set.rate, "rate", 10_000, "queries a `second` of the row rate")
	flags.IntVar(&set.churn, "churn", 10_000, "changes a `second` of the row busy")
	flags.IntVar(&set.idle, "idle", 10_000, "`number` of connections of the row idle")
	flags.StringVar(&set.cache, "cache", filepath.Join(cache, "nodedns-peers"), "`directory` that keeps the programs and zones for the next time")
	flags.StringVar(&set.out, "out", filepath.Join("dist", "figures"), "`directory` for the figures of every run")
	flags.IntVar(&set.server, "server-cpu", 0, "`CPU` of the server")
	flags.IntVar(&set.load, "load-cpu", 1, "`CPU` of the load")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if *quick {
		*sizes, set.seconds, set.rounds, set.idle = "1000", 0.3, 1, 1000
	}
	if set.peers, err = choice(*names, peerNames()); err != nil {
		return set, fmt.Errorf("-peers: %w", err)
	}
	if set.rows, err = choice(*rows, rowNames()); err != nil {
		return set, fmt.Errorf("-rows: %w", err)
	}
	if set.sizes, err = numbers(*sizes); err != nil {
		return set, fmt.Errorf("-sizes: %w", err)
	}
	if !slices.Contains(set.peers, echo.name) {
		set.peers = append([]string{echo.name}, set.peers...)
	}
	return set, set.check()
}

func (set *settings) check() error {
	var err error
	switch {
	case set.seconds <= 0 || set.rounds < 1 || set.rate <= 0 || set.churn < 1 || set.idle < 1 || set.idle > 20_000:
		err = errors.New("-seconds, -rounds, -rate and -churn must be above 0, -idle from 1 to 20000")
	case set.server == set.load:
		err = errors.New("-server-cpu and -load-cpu must differ: they would share one core")
	}
	// The sandbox has the same working directory, but cache and out are also
	// named in the configuration of servers that have another.
	for _, dir := range []*string{&set.cache, &set.out} {
		if err == nil {
			*dir, err = filepath.Abs(*dir)
		}
	}
	return err
}

// choice reads a list of names, of which each must be known.
func choice(list string, known []string) ([]string, error) {
	chosen := strings.Split(list, ",")
	for _, name := range chosen {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown %q: choose of %s", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

func numbers(list string) ([]int, error) {
	var all []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > mostNodes {
			return nil, fmt.Errorf("%q is no number from 1 to %d", word, mostNodes)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
