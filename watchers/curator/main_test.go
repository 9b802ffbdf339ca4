package curator

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain lets no test leave a goroutine of this package, of gRPC or of
// fsnotify behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := goroutinesLeft(); code == 0 && left != nil {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", bytes.Join(left, []byte("\n\n")))
		code = 1
	}
	os.Exit(code)
}

// goroutinesLeft gives them time to end: a connection that is closed has some
// that no test can wait for.
func goroutinesLeft() (left [][]byte) {
	for range 100 {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = nil
		// The first one is this one.
		for _, stack := range bytes.Split(stacks, []byte("\n\n"))[1:] {
			for _, owner := range []string{"watchers/curator", "google.golang.org/grpc", "fsnotify"} {
				if bytes.Contains(stack, []byte(owner)) {
					left = append(left, stack)
					break
				}
			}
		}
		if left == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return left
}
