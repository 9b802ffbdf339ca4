package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain lets no test leave a goroutine of this module behind.
func TestMain(m *testing.M) {
	if os.Getenv(programVar) != "" {
		os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	code := m.Run()
	if left := goroutinesLeft(); code == exitOK && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		code = exitFailed
	}
	os.Exit(code)
}

// goroutinesLeft gives them time to end: a closed connection has some that
// cannot be waited for.
func goroutinesLeft() string {
	var left []string
	for range 100 {
		stacks := make([]byte, 1<<20)
		left = nil
		// The first one is this one.
		for _, stack := range strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n")[1:] {
			if strings.Contains(stack, "nodedns/nodedns") {
				left = append(left, stack)
			}
		}
		if left == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return strings.Join(left, "\n\n")
}
