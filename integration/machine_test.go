package integration

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// machine is a computer with network, mounts and hostname of its own. It is an
// OS thread of this process that left the namespaces of the others; what the
// thread starts is in its namespaces too. They go when the thread and the
// processes have ended.
type machine struct {
	t     testing.TB
	name  string
	dir   string          // holds what is /etc and /var/lib on the machine
	tid   int             // the thread, by which others name its namespaces
	net   *netlink.Handle // to change its network without starting a program
	calls chan func()
}

// newMachine starts a machine without a network, which is off when the test
// ends.
func newMachine(t testing.TB, name string) *machine {
	t.Helper()
	m := &machine{t: t, name: name, dir: filepath.Join(t.TempDir(), name), calls: make(chan func())}
	m.populate()
	booted := make(chan error)
	go m.live(booted)
	must(t, <-booted)
	t.Cleanup(func() { close(m.calls); m.net.Close() })
	m.up("lo")
	return m
}

// live is the machine's thread, from its start until calls is closed.
func (m *machine) live(booted chan<- error) {
	runtime.LockOSThread() // for good: the runtime ends the thread with the goroutine
	m.tid = unix.Gettid()
	booted <- m.boot()
	for call := range m.calls {
		call()
	}
}

// boot leaves the namespaces of the other threads and mounts what is private.
func (m *machine) boot() error {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("boot %s: make namespaces: %w", m.name, err)
	}
	if err := unix.Sethostname([]byte("unnamed")); err != nil {
		return fmt.Errorf("boot %s: set the hostname: %w", m.name, err)
	}
	for _, dir := range []string{"/etc", "/var/lib"} {
		if err := unix.Mount(filepath.Join(m.dir, dir), dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("boot %s: mount a private %s: %w", m.name, dir, err)
		}
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("boot %s: mount a private /run: %w", m.name, err)
	}
	var err error
	m.net, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	return err
}

// populate writes what a fresh installation has in /etc.
func (m *machine) populate() {
	for path, text := range map[string]string{
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
		"/etc/host.conf":     "multi on\n",
		"/etc/resolv.conf":   "nameserver 127.0.0.53\n",
		"/etc/hosts":         userHosts,
		"/etc/hostname":      "unnamed\n",
		"/etc/machine-id":    "0123456789abcdef0123456789abcdef\n",
		"/etc/passwd":        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
		"/etc/group":         "root:x:0:\nnogroup:x:65534:\n",
	} {
		m.write(path, text)
	}
	must(m.t, os.MkdirAll(m.path("/var/lib"), 0o755))
}

// path is where a file of the machine's /etc or /var/lib is for the test.
func (m *machine) path(path string) string { return filepath.Join(m.dir, path) }

func (m *machine) write(path, text string) {
	m.t.Helper()
	must(m.t, os.MkdirAll(filepath.Dir(m.path(path)), 0o755))
	must(m.t, os.WriteFile(m.path(path), []byte(text), 0o644))
}

func (m *machine) read(path string) string {
	m.t.Helper()
	text, err := os.ReadFile(m.path(path))
	must(m.t, err)
	return string(text)
}

// do calls f on the machine's thread.
func (m *machine) do(f func()) {
	done := make(chan struct{})
	m.calls <- func() { defer close(done); f() }
	<-done
}

// start starts cmd on the machine. Waiting for it may be done anywhere.
func (m *machine) start(cmd *exec.Cmd) (err error) {
	m.do(func() { err = cmd.Start() })
	return err
}

// try runs a command on the machine and returns what it wrote to standard
// output. The error of one that failed has what it wrote to standard error.
func (m *machine) try(name string, args ...string) (string, error) {
	return m.output(exec.Command(name, args...))
}

// output is try for a command line that is there already.
func (m *machine) output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := m.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		err = fmt.Errorf("%s: %s: %w: %s", m.name, strings.Join(cmd.Args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), err
}

// run is try for what must not fail.
func (m *machine) run(name string, args ...string) string {
	m.t.Helper()
	out, err := m.try(name, args...)
	must(m.t, err)
	return out
}

// serve starts a program that is killed when the test ends. Its log is shown
// if the test failed.
func (m *machine) serve(cmd *exec.Cmd) {
	m.t.Helper()
	var log logbook
	cmd.Stdout, cmd.Stderr = &log, &log
	must(m.t, m.start(cmd))
	m.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // reports that it was killed
		if m.t.Failed() {
			m.t.Logf("log of %s on %s:\n%s", filepath.Base(cmd.Path), m.name, &log)
		}
	})
}

// dial opens a connection from the machine.
func (m *machine) dial(network, address string) (conn net.Conn, err error) {
	m.do(func() { conn, err = net.Dial(network, address) })
	return conn, err
}

// hostname is the machine's present name.
func (m *machine) hostname() string {
	m.t.Helper()
	return strings.TrimSpace(m.run("uname", "-n"))
}
