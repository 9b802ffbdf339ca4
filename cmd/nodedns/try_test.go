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
	go func() { ended <- try(ctx, "", &out, &stderr, time.Millisecond) }()

	form := regexp.MustCompile(`^\S+ query --control (\S+) (\S+)\ndig @127\.0\.0\.53 -p ([0-9]+) (\S+)\n`)
	var printed []string
	eventually(t, "it says what to type", func() bool {
		printed = form.FindStringSubmatch(out.String())
		return printed != nil
	})
	socket := printed[1]
	if printed[2] != moverName || printed[4] != moverName {
		t.Errorf("dig asks for %s, and query for %s, want %s", printed[4], printed[2], moverName)
	}
	for _, name := range []string{moverName, moverName + "." + sampleDomain} {
		command(t, "query", "--control", socket, name).expect(t, exitOK, "A  192.0.2.", "")
	}
	command(t, "nodes", "--control", socket, moverName).expect(t, exitOK, "  "+moverName+"  192.0.2.", "")
	command(t, "status", "--control", socket).expect(t, exitOK, "127.0.0.53:"+printed[3], "")
	for _, what := range []string{guestName + " joined with", moverName + " moved from", "marked as departed", "is back"} {
		eventually(t, what, func() bool { return strings.Contains(out.String(), what) })
	}
	hosts := regexp.MustCompile(`The hosts file is (\S+)\n`).FindStringSubmatch(out.String())[1]
	eventually(t, "the hosts file has the node, and the user's lines", func() bool {
		text, err := os.ReadFile(hosts)
		return err == nil && strings.Contains(string(text), " metropolis-") && strings.HasPrefix(string(text), exampleLines)
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
