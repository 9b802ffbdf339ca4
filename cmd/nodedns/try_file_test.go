package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The nodes of a file of the user's are served, and followed; the file stays as it
// is, and nothing is left behind. It does not run beside TestTry: of two that begin at
// once both find the usual port free.
func TestTryFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nodes.hosts")
	replace := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	replace("192.0.2.21 web-2 www.example\n")
	var out, stderr logbook
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- try(ctx, file, &out, &stderr, time.Millisecond) }()

	form := regexp.MustCompile(`^\S+ query --control (\S+) web-2\ndig @127\.0\.0\.53 -p [0-9]+ web-2\n`)
	var printed []string
	eventually(t, "it prints what to type", func() bool {
		printed = form.FindStringSubmatch(out.String())
		return printed != nil
	})
	socket := printed[1]
	for _, name := range []string{"web-2", "www.example", "web-2." + sampleDomain} {
		command(t, "query", "--control", socket, name).expect(t, exitOK, "A  192.0.2.21", "")
	}
	command(t, "nodes", "--control", socket, "web").expect(t, exitOK, "www.example", "")

	const more = "192.0.2.21 web-2 www.example\n192.0.2.23 web-3\n"
	replace(more)
	eventually(t, "what is added shows", func() bool { return strings.Contains(out.String(), "web-3 joined with 192.0.2.23") })

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != more {
		t.Errorf("the file has %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Dir(socket)); !os.IsNotExist(err) {
		t.Errorf("the scratch directory is there after the end: %v", err)
	}
}

// A file that cannot be served ends it, with the reason. See TestTryFile.
func TestTryWrongFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		file string
		code int
		want string
	}{
		{"", exitUsage, "--nodes is empty"},
		{filepath.Join(dir, "none.hosts"), exitFailed, "no such file"},
		{write("broken.json", "[{]"), exitFailed, "broken.json"},
		{write("nodes.txt", "192.0.2.1 a\n"), exitFailed, ".hosts"},
		{t.TempDir(), exitFailed, "no file of nodes"},
	} {
		command(t, "try", "--nodes", tt.file).expect(t, tt.code, "", tt.want)
	}
}
