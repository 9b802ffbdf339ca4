package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
)

// configTimeout is how long a command that queries the daemon waits for its
// configuration to be read. A read from a file system whose server is gone
// never returns.
const configTimeout = 3 * time.Second

// located is where the daemon is reached.
type located struct {
	socket  string
	problem error // why the configuration cannot be used; nil if it can
}

// locate finds the daemon's socket: by the configuration, else by the valid
// part of it, else by the flags alone. The error is for flags that are wrong,
// since the user has just typed them.
func locate(load func() (config.Config, error), loadPartial func() config.Config, flagsOnly func() (config.Config, error)) (located, error) {
	read := make(chan located, 1)
	go func() { // which the process does not outlive
		cfg, err := load()
		if err != nil {
			cfg = loadPartial()
		}
		read <- located{cfg.Control.Socket, err}
	}()
	select {
	case found := <-read:
		if isFlagError(found.problem) {
			return located{}, found.problem
		}
		return found, nil
	case <-time.After(configTimeout):
		cfg, err := flagsOnly()
		return located{cfg.Control.Socket, errSlowConfig(configTimeout)}, err
	}
}

// errSlowConfig is for a configuration that could not be read in time.
func errSlowConfig(within time.Duration) error {
	return fmt.Errorf("read the configuration: not done within %v; see whether its file system answers", within)
}

// isFlagError reports whether something is wrong with the flags of the command
// line.
func isFlagError(err error) bool {
	var problems config.Problems
	return errors.As(err, &problems) && slices.ContainsFunc(problems, func(p config.Problem) bool { return p.File == "" })
}

// firstLine is the first line of an error, with the number of those after it.
func firstLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	if more := len(lines) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", lines[0], more)
	}
	return lines[0]
}
