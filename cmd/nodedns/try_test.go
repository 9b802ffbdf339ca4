package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What is printed works, things happen, and nothing is left behind.
func TestTry(t *testing.T) {
	t.Parallel()
	var out, stderr logbook
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- try(ctx, &out, &stderr, time.Millisecond) }()

	form := regexp.MustCompile(`^\S+ query --control (\S+) (metropolis-[0-9a-f]{32})\ndig @127\.0\.0\.53 -p ([0-9]+) (\S+)\n`)
	var printed []string
	eventually(t, "it says what to type", func() bool {
		printed = form.FindStringSubmatch(out.String())
		return printed != nil
	})
	socket, id := printed[1], printed[2]
	if printed[4] != id {
		t.Errorf("dig asks for %s, and query for %s", printed[4], id)
	}
	command(t, "query", "--control", socket, id).expect(t, exitOK, "A  192.0.2.", "")
	command(t, "status", "--control", socket).expect(t, exitOK, "127.0.0.53:"+printed[3], "")
	for _, what := range []string{"joined with", "moved from", "marked as departed", "is back"} {
		eventually(t, what, func() bool { return strings.Contains(out.String(), what) })
	}
	hosts := regexp.MustCompile(`The hosts file is (\S+)\n`).FindStringSubmatch(out.String())[1]
	eventually(t, "the hosts file has the node, and the user's lines", func() bool {
		text, err := os.ReadFile(hosts)
		return err == nil && strings.Contains(string(text), id) && strings.HasPrefix(string(text), exampleLines)
	})

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if _, err := os.Stat(filepath.Dir(socket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the scratch directory is there after the end: %v", err)
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/tmp/nodedns-try-1/control.sock": "/tmp/nodedns-try-1/control.sock",
		"/tmp/my dir/x":                   "'/tmp/my dir/x'",
		"/tmp/it's/$HOME":                 `'/tmp/it'\''s/$HOME'`,
	} {
		if got := quoted(path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}
