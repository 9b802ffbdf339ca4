// Package baddisk has the calls of a program to its files fail, as on a disk that is
// bad, full or not ours, for as long as a test wants. The program is what it always is:
// the kernel asks before each of its calls (seccomp_unotify(2)). It needs root, and a
// test binary whose TestMain calls [Exec] first.
package baddisk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Op is what a program does with a file.
type Op string

// The calls that may fail.
const (
	Read   Op = "read"  // by opening to do nothing else
	Open   Op = "open"  // to write
	Write  Op = "write" // or reserve room, or cut off
	Sync   Op = "sync"  // of a directory too
	Rename Op = "rename"
)

// Judge returns the error of a call, or 0 to have it done. The path is absolute, and
// that which a file is renamed to. It is called from a goroutine of the Disk.
type Judge func(op Op, path string) unix.Errno

// Disk is what the calls of one program meet.
type Disk struct{ judge atomic.Pointer[Judge] }

// Fail has calls fail from now on. Those that are being made may still be done.
func (d *Disk) Fail(judge Judge) { d.judge.Store(&judge) }

// Repair has no call fail any more.
func (d *Disk) Repair() { d.judge.Store(nil) }

// execVar has the test binary execute another program, whose calls the kernel asks
// about.
const execVar = "NODEDNS_TEST_BADDISK"

// Start starts a command by a function such as [exec.Cmd.Start]. The command must have
// no ExtraFiles.
func (d *Disk) Start(cmd *exec.Cmd, start func(*exec.Cmd) error) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "baddisk")
	defer theirs.Close()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, execVar+"=1")
	cmd.Args = append([]string{"baddisk", cmd.Path}, cmd.Args...)
	cmd.Path = "/proc/self/exe"
	cmd.ExtraFiles = []*os.File{theirs}
	if err := start(cmd); err != nil {
		return err
	}
	theirs.Close() // so that its end is the end of the process
	listener, err := receive(pair[0])
	if err != nil {
		return fmt.Errorf("watch the calls of a program: %w", err)
	}
	go d.answer(listener)
	return nil
}

// receive receives the descriptor by which the kernel asks.
func receive(socket int) (listener int, err error) {
	rights := make([]byte, unix.CmsgSpace(4))
	for {
		_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), rights, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, os.NewSyscallError("recvmsg", err)
		}
		messages, err := unix.ParseSocketControlMessage(rights[:n])
		if err != nil || len(messages) != 1 {
			return -1, errors.New("it has ended before")
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil {
			return -1, err
		}
		return fds[0], nil
	}
}

// Exec does nothing but in a process that Start has made: that becomes the program, or
// ends with an error. It must be called from the main goroutine, on a thread that it
// has locked.
func Exec() {
	if os.Getenv(execVar) == "" {
		return
	}
	fmt.Fprintln(os.Stderr, "baddisk:", become(os.Args[1], os.Args[2:]))
	os.Exit(1)
}

func become(path string, args []string) error {
	const socket = 3
	unix.CloseOnExec(socket)
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, execVar+"=") {
			env = append(env, v)
		}
	}
	listener, err := filter()
	if err != nil {
		return err
	}
	if err := unix.Sendmsg(socket, []byte{0}, unix.UnixRights(listener), nil, 0); err != nil {
		return os.NewSyscallError("sendmsg", err)
	}
	return os.NewSyscallError("execve", unix.Exec(path, args, env))
}
