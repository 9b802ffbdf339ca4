package baddisk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls are those that the kernel asks about. Go renames files by the first two.
var calls = map[int32]struct {
	op Op
	// path is the argument that has the path, after that of its directory, or -1
	// where the first one is a descriptor of the file.
	path int
}{
	unix.SYS_RENAMEAT:  {Rename, 3},
	unix.SYS_RENAMEAT2: {Rename, 3},
	unix.SYS_OPENAT:    {Open, 1},
	unix.SYS_WRITE:     {Write, -1},
	unix.SYS_PWRITE64:  {Write, -1},
	unix.SYS_FTRUNCATE: {Write, -1},
	unix.SYS_FALLOCATE: {Write, -1},
	unix.SYS_FSYNC:     {Sync, -1},
	unix.SYS_FDATASYNC: {Sync, -1},
}

// question and answer are struct seccomp_notif and seccomp_notif_resp of linux/seccomp.h.
type question struct {
	ID    uint64
	PID   uint32 // of the thread
	Flags uint32
	Call  int32
	Arch  uint32
	At    uint64
	Args  [6]uint64
}

type answer struct {
	ID    uint64
	Value int64
	Error int32 // negative
	Flags uint32
}

// filter has the kernel ask about the calls of this thread and what it executes.
func filter() (listener int, err error) {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equals = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		result = unix.BPF_RET | unix.BPF_K
	)
	program := []unix.SockFilter{{Code: load}} // the number of the call
	for call := range calls {
		program = append(program,
			unix.SockFilter{Code: equals, Jf: 1, K: uint32(call)},
			unix.SockFilter{Code: result, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	program = append(program, unix.SockFilter{Code: result, K: unix.SECCOMP_RET_ALLOW})
	whole := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
		uintptr(unsafe.Pointer(&whole)))
	if errno != 0 {
		return -1, os.NewSyscallError("seccomp", errno)
	}
	return int(fd), nil
}

// answer answers until no process is left that the kernel asks about.
func (d *Disk) answer(listener int) {
	defer unix.Close(listener)
	for {
		waiting := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(waiting, -1); errors.Is(err, unix.EINTR) {
			continue
		}
		if waiting[0].Revents&unix.POLLIN == 0 {
			return
		}
		var q question
		if control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&q)) != 0 {
			continue // the thread was interrupted, or has ended
		}
		a := answer{ID: q.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if errno := d.verdict(&q); errno != 0 {
			a.Flags, a.Error = 0, -int32(errno)
		}
		_ = control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&a)) // likewise
	}
}

func control(fd int, request uint, argument unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(argument))
	return errno
}

// verdict is the error of a call, or 0.
func (d *Disk) verdict(q *question) unix.Errno {
	judge := d.judge.Load()
	call, known := calls[q.Call]
	if judge == nil || !known {
		return 0
	}
	if call.op == Open && q.Args[2]&(unix.O_ACCMODE|unix.O_CREAT) == unix.O_RDONLY {
		call.op = Read
	}
	path, err := q.descriptor(q.Args[0])
	if call.path >= 0 {
		path, err = q.path(call.path)
	}
	if err != nil || !filepath.IsAbs(path) {
		return 0 // it is none, or the thread has ended
	}
	return (*judge)(call.op, path)
}

// path reads the path that an argument points at, and that the one before is the
// directory of.
func (q *question) path(argument int) (string, error) {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", q.PID))
	if err != nil {
		return "", err
	}
	defer memory.Close()
	text := make([]byte, unix.PathMax)
	n, err := memory.ReadAt(text, int64(q.Args[argument]))
	if n == 0 {
		return "", err
	}
	name, _, _ := strings.Cut(string(text[:n]), "\x00")
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	dir := fmt.Sprintf("/proc/%d/cwd", q.PID)
	if at := int32(q.Args[argument-1]); at != unix.AT_FDCWD {
		dir = fmt.Sprintf("/proc/%d/fd/%d", q.PID, at)
	}
	if dir, err = os.Readlink(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// descriptor is the path of an open file.
func (q *question) descriptor(fd uint64) (string, error) {
	return os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", q.PID, int32(fd)))
}
