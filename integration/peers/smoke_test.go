package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// benchVar has this test binary be the bench, which saves linking that too.
const benchVar = "NODEDNS_PEERS_BENCH"

func TestMain(m *testing.M) {
	if os.Getenv(benchVar) != "" {
		main()
		return
	}
	m.Run()
}

// TestSmoke runs the bench from outside, for a moment, with what needs no
// download, and with all rows in the full run. The figures themselves do not
// matter here.
func TestSmoke(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("gcc"); err != nil {
		testkit.Skip(t, "needs gcc")
	}
	readTree(t)
	dir := t.TempDir()
	// Five rows over UDP of both, and of one TCP.
	rows, want := "saturation,names,tcp,idle", 11
	if testkit.Full() {
		// Four more over UDP of both, and the four runs of the row busy.
		rows, want = "saturation,mix,names,memory,rate,single,tcp,unpinned,change,busy,idle", 23
	}
	cmd := exec.Command("/proc/self/exe", "-peers", "echo,nodedns", "-rows", rows,
		"-sizes", "1000", "-seconds", "0.05", "-rounds", "1", "-idle", "10", "-cache", dir, "-out", dir)
	cmd.Env = append(os.Environ(), benchVar+"=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	tables, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitNoSandbox {
		testkit.Skip(t, errNoSandbox.Error())
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, &stderr)
	}
	for _, line := range []string{"| bare echo in C | 1.00 (", "| **nodedns** | ", "in flight"} {
		if !strings.Contains(string(tables), line) {
			t.Errorf("the tables lack %q:\n%s", line, tables)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "peers.json"))
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for line := range strings.Lines(string(text)) {
		var s sample
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if s.Failed != "" || s.Strange {
			t.Errorf("not as it should be: %s", line)
		}
		if s.Answered > 0 {
			answered++
		}
	}
	if answered != want {
		t.Errorf("%d runs had answers, want %d:\n%s", answered, want, text)
	}
}

// readTree looks into every directory of the project: the go command does not
// know what the bench builds, but remembers which directories a test opened.
func readTree(t *testing.T) {
	t.Helper()
	if err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != "../.." {
			return fs.SkipDir
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
