package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // usage or configuration
)

// execute runs one command line and returns its exit status.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root, started := newRoot(args...)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	for line := range strings.Lines(strings.ReplaceAll(err.Error(), "\t", "  ")) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			fmt.Fprintf(stderr, "nodedns: %s\n", shown(line, false)) // it may quote others
		}
	}
	if !*started || errors.As(err, new(*usageError)) || errors.As(err, new(*control.RequestError)) {
		return exitUsage
	}
	return exitFailed
}

// usageError is an error of usage or configuration, which trying again cannot help.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }
