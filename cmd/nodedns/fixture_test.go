package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/internal/testkit"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s,\n%s", got, path, want)
	}
}

// outcome is what a command line comes to.
type outcome struct {
	code           int
	stdout, stderr string
}

// command runs a command line.
func command(t *testing.T, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), args, &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// expect checks the exit status, and that both outputs have these texts.
func (o outcome) expect(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if o.code != code || !strings.Contains(o.stdout, stdout) || !strings.Contains(o.stderr, stderr) {
		t.Errorf("got exit status %d\n%s\n%s\nwant %d with %q and %q", o.code, o.stdout, o.stderr, code, stdout, stderr)
	}
}

// nodeID is the name of the machine in the tests.
const nodeID = "metropolis-000102030405060708090a0b0c0d0e0f"

// testMachine is a place for a daemon: a directory with all of its files, whose
// path is short enough for a socket.
type testMachine struct {
	t       *testing.T
	dir     string
	options []string // the flags that keep a command in the directory
}

func newMachine(t *testing.T) *testMachine {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodedns-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	m := &testMachine{t: t, dir: dir}
	m.write("root/etc/hosts", "127.0.0.1 localhost\n")
	m.configure("")
	m.options = []string{"--config", m.path("nodedns.toml")}
	return m
}

func (m *testMachine) path(name string) string { return filepath.Join(m.dir, name) }

func (m *testMachine) write(name, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *testMachine) read(name string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(text)
}

// configure writes the configuration of a machine that touches nothing outside
// of its directory and of loopback, with these lines more.
func (m *testMachine) configure(lines string) {
	m.t.Helper()
	m.write("nodedns.toml", strings.ReplaceAll(`identity.node_id = "`+nodeID+`"
local.addresses = ["192.0.2.10"]
dns.listen = ["127.0.0.1:0"]
upstream.servers = []
files.root = "DIR/root"
files.machine_id_format = "node-id"
state.dir = "DIR/state"
control.socket = "DIR/control.sock"
`+lines, "DIR", m.dir))
}

// command runs a command on the machine. Its own flags outrank the machine's.
func (m *testMachine) command(name string, args ...string) outcome {
	m.t.Helper()
	return command(m.t, slices.Concat([]string{name}, m.options, args)...)
}

// daemon makes the machine's daemon, which does not run.
func (m *testMachine) daemon(stderr io.Writer) *daemon {
	m.t.Helper()
	cmd := &cobra.Command{}
	settings := addSettings(cmd)
	settings.addKeys(cmd)
	if err := cmd.ParseFlags(m.options); err != nil {
		m.t.Fatal(err)
	}
	d, err := newDaemon(settings.load, stderr, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return d
}

// running is "nodedns run" in the test's process.
type running struct {
	*testMachine
	log *logbook
	end func() outcome
}

// launch runs the daemon of a machine until the test ends.
func (m *testMachine) launch() *running {
	m.t.Helper()
	r := &running{testMachine: m, log: new(logbook)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan outcome, 1)
	go func() {
		var stdout bytes.Buffer
		code := execute(ctx, append([]string{"run"}, m.options...), &stdout, r.log)
		ended <- outcome{code, stdout.String(), r.log.String()}
	}()
	r.end = sync.OnceValue(func() outcome { cancel(); return <-ended })
	m.t.Cleanup(func() { r.end() })
	return r
}

// start launches the daemon and waits until all of it works.
func (m *testMachine) start() *running {
	m.t.Helper()
	r := m.launch()
	client := control.NewClient(m.path("control.sock"))
	eventually(m.t, "the daemon is ready", func() bool {
		status, err := client.Status(m.t.Context())
		return err == nil && status.State == nodedns.StateReady
	})
	return r
}

// patience bounds how long something may take that is sure to happen.
const patience = testkit.Patience

// logbook is an output that can be read while it is written.
type logbook = testkit.Log

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	testkit.EventuallyTrue(t, what, is)
}
