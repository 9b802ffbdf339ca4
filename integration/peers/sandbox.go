package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVar is set in the sandbox.
const insideVar = "NODEDNS_PEERS_INSIDE"

var errNoSandbox = errors.New("no namespaces to be had: run as root, or allow unprivileged user namespaces")

func inside() bool { return os.Getenv(insideVar) != "" }

// enter runs the bench again as the first process of new namespaces. The kernel
// kills all that is in them when it ends, and ends it with us.
func enter(args []string) error {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		Pdeathsig:  unix.SIGKILL,
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == exitNoSandbox:
		return errNoSandbox
	case errors.As(err, &exit) && exit.Exited():
		return errors.New("some of it failed: see above")
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSPC):
		return errNoSandbox
	case err != nil:
		return fmt.Errorf("run in the sandbox: %w", err)
	}
	return nil
}

// shelfDir is where the shelf is in the sandbox. By default it is in the user's
// home, and root's is closed to all others: as one of them systemd-resolved runs.
const shelfDir = "/run/peers"

// furnish makes the new namespaces usable: a /proc of our processes, a /run
// that servers may write, with the shelf in it, and loopback.
func furnish(shelf string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	for _, fs := range []struct{ kind, at string }{{"proc", "/proc"}, {"tmpfs", "/run"}} {
		if err := unix.Mount(fs.kind, fs.at, fs.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", fs.at, err)
		}
	}
	if err := os.Mkdir(shelfDir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(shelf, shelfDir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("show %s as %s: %w", shelf, shelfDir, err)
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	return allowFiles()
}

// allowFiles raises the limit of open files as far as it goes: connections of
// the row idle need descriptors on both sides. That it was set here is also what
// makes children have it.
func allowFiles() error {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	files.Cur = files.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("raise the limit of open files: %w", err)
	}
	return nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}
