package packaging

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
)

// unpackedVar names the directory with the packages of debian.txt.
const unpackedVar = "NODEDNS_DEBIAN"

// debian is a booted machine. It is gone when the test ends.
type debian struct {
	t   *testing.T
	pid int // of its first process, by which others enter its namespaces
}

// root is the directory that every machine has as its first state.
var root = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(workshop, "root")
	out, err := exec.Command("testdata/root", os.Getenv(unpackedVar), dir).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("make a root directory: %w: %s", err, out)
	}
	return dir, nil
})

// boot starts a machine with systemd, or with another first process. Its name
// server on 127.0.0.1 has up.example.
func boot(t *testing.T, first ...string) *debian {
	t.Helper()
	needDebian(t)
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	// The cgroup is the root of the namespace that is made in it: not by clone(2),
	// which takes that of the caller.
	cmd := exec.Command("unshare", append([]string{"--cgroup", "testdata/boot", dir, t.TempDir()}, first...)...)
	var log testkit.Log
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid:      true,
		Cloneflags:  unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC,
		UseCgroupFD: true, CgroupFD: cgroup(t),
	}
	start(t, cmd, &log)
	d := &debian{t, cmd.Process.Pid}
	if len(first) == 0 {
		d.eventually("systemd runs", func() error {
			_, err := d.try("systemctl", "is-system-running")
			return err
		})
	}
	// From outside, by the network namespace alone.
	server := exec.Command("nsenter", "--target", strconv.Itoa(d.pid), "--net",
		"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--no-resolv", "--no-hosts",
		"--listen-address=127.0.0.1", "--bind-interfaces", "--address=/up.example/192.0.2.7")
	start(t, server, new(testkit.Log))
	d.eventually("the name server answers", func() error { return d.finds("up.example", "192.0.2.7") })
	return d
}

// pause is a first process that only reaps the others.
var pause = []string{"/bin/sh", "-c", "while :; do sleep 3600 & wait $!; done"}

func needDebian(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		testkit.Skip(t, "needs root, to make namespaces")
	}
	if os.Getenv(unpackedVar) == "" {
		testkit.Skip(t, "needs a Debian: .ci/unpack DIRECTORY packaging/debian.txt, and name that in "+unpackedVar)
	}
	for _, name := range []string{"nsenter", "unshare", "dnsmasq", "ip"} {
		if _, err := exec.LookPath(name); err != nil {
			testkit.Skip(t, "needs "+name)
		}
	}
}

// start starts a program that is killed when the test ends, and at the latest
// when we do.
func start(t *testing.T, cmd *exec.Cmd, log *testkit.Log) {
	t.Helper()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	// What it has started may outlive it by a moment, with its output.
	cmd.WaitDelay = time.Second
	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // with whose end the program would be killed
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // reports that it was killed
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(cmd.Path), log)
		}
	})
}

// command is a command line on the machine.
func (d *debian) command(ctx context.Context, args ...string) *exec.Cmd {
	enter := []string{"--target", strconv.Itoa(d.pid), "--all", "--wd=/", "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_PAGER="}
	return cmd
}

// try runs a command and returns what it wrote to standard output. The error of
// one that failed has what it wrote to standard error.
func (d *debian) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), testkit.Patience)
	defer cancel()
	cmd := d.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), err
}

// run is try for what must not fail.
func (d *debian) run(args ...string) string {
	d.t.Helper()
	out, err := d.try(args...)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// path is where a file of the machine is for the test, unless an absolute
// symlink leads to it.
func (d *debian) path(name string) string { return fmt.Sprintf("/proc/%d/root%s", d.pid, name) }

func (d *debian) write(name, text string) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(d.path(name)), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(d.path(name), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *debian) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(d.path(name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// install installs a package by dpkg.
func (d *debian) install(pkg string) {
	d.t.Helper()
	d.pack(dpkg.install, pkg)
}

// pack runs a command with a package as its last argument.
func (d *debian) pack(command []string, pkg string) {
	d.t.Helper()
	d.run(append(slices.Clone(command), d.copied(pkg))...)
}

// copied is where a package is on the machine, to which it is copied.
func (d *debian) copied(pkg string) string {
	d.t.Helper()
	data, err := os.ReadFile(pkg)
	if err != nil {
		d.t.Fatal(err)
	}
	path := "/root/" + filepath.Base(pkg)
	d.write(path, string(data))
	return path
}

// finds returns nil if glibc finds the name to have an address.
func (d *debian) finds(name, address string) error {
	out, err := d.try("getent", "ahosts", name)
	if err == nil && !strings.Contains(out, address) {
		err = fmt.Errorf("%s is %q, want %s", name, out, address)
	}
	return err
}

// eventually waits until something is so.
func (d *debian) eventually(what string, is func() error) {
	d.t.Helper()
	testkit.Eventually(d.t, what, is)
}
