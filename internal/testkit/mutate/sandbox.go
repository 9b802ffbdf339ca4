package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// sandboxVar is set, to our directory for temporary files, for the process that
// sets up the namespaces and runs the tests in them.
const sandboxVar = "NODEDNS_MUTATE_SANDBOX"

// exitNoSandbox is the status of that process where it could not: none of a test
// binary's.
const exitNoSandbox = 117

var errNoSandbox = errors.New("no namespaces for the tests of a mutant: run as root, or allow unprivileged user namespaces")

// inSandbox prepares a command in namespaces of its own: mounts, network, names
// of the host, IPC and processes. All that it leaves running ends with it.
func inSandbox(ctx context.Context, work string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), sandboxVar+"="+work)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID,
		Pdeathsig:  unix.SIGKILL,
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
	return cmd
}

// sandboxed is the first process of the namespaces. It runs the command, whose
// signals are not those of a first process, and returns its exit status.
func sandboxed(args []string) int {
	work := os.Getenv(sandboxVar)
	_ = os.Unsetenv(sandboxVar)
	scratch, err := furnish(work)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitNoSandbox
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+scratch)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1) // a signal is -1
	}
	fmt.Fprintln(os.Stderr, err)
	return exitNoSandbox
}

// furnish makes all files read-only but those of a new, empty directory for
// temporary files and /run, whose sockets would lead out. /proc is that of the new
// processes, and loopback is up.
func furnish(work string) (scratch string, err error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", fmt.Errorf("keep mounts private: %w", err)
	}
	scratch = filepath.Join(work, "t") // short: paths of sockets are
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return "", err
	}
	readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, readOnly); err != nil {
		return "", fmt.Errorf("make files read-only: %w", err)
	}
	for _, fs := range []struct{ kind, at string }{{"proc", "/proc"}, {"tmpfs", "/run"}, {"tmpfs", scratch}} {
		if err := unix.Mount(fs.kind, fs.at, fs.kind, 0, ""); err != nil {
			return "", fmt.Errorf("mount %s: %w", fs.at, err)
		}
	}
	return scratch, loopbackUp()
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	return nil
}
