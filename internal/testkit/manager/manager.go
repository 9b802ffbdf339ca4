// Package manager is a small service manager for tests: it listens to what a
// process notifies it of, keeps descriptors for it, and starts the next process
// with them, as sd_notify(3) and sd_listen_fds(3) have it.
package manager

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Manager is a service manager, until its test ends.
type Manager struct {
	// Path is that of its socket, the value of NOTIFY_SOCKET.
	Path string
	// Notifications are the messages without descriptors, as they come. Those of a
	// process that sends more than are read are dropped.
	Notifications chan Notification

	mu   sync.Mutex
	kept []*os.File
}

// Notification is a message, and when it came.
type Notification struct {
	Text string
	At   time.Time
}

// New makes a Manager.
func New(t testing.TB) *Manager {
	t.Helper()
	// The directory of a test with a long name would be too long for a socket.
	dir, err := os.MkdirTemp("", "manager-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{Path: path, Notifications: make(chan Notification, 1024)}
	ended := make(chan struct{})
	go func() { defer close(ended); m.receive(socket) }()
	t.Cleanup(func() {
		socket.Close()
		<-ended
		closeAll(m.kept)
	})
	return m
}

func (m *Manager) receive(socket *net.UnixConn) {
	const mostDescriptors = 64
	message, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*mostDescriptors))
	for {
		n, r, _, _, err := socket.ReadMsgUnix(message, rights)
		if err != nil {
			return
		}
		m.handle(string(message[:n]), descriptors(rights[:r]))
	}
}

func descriptors(rights []byte) (fds []int) {
	messages, _ := unix.ParseSocketControlMessage(rights)
	for _, message := range messages {
		got, _ := unix.ParseUnixRights(&message)
		fds = append(fds, got...)
	}
	return fds
}

// handle does what a message has it do. Descriptors that it is not to keep are
// closed, which is what ends a barrier.
func (m *Manager) handle(text string, fds []int) {
	var name string
	lines := strings.Split(text, "\n")
	for _, line := range lines {
		if value, ok := strings.CutPrefix(line, "FDNAME="); ok {
			name = value
		}
	}
	switch {
	case slices.Contains(lines, "FDSTORE=1"):
		m.keep(name, fds)
		return
	case slices.Contains(lines, "FDSTOREREMOVE=1"):
		m.discard(name)
	case len(fds) == 0:
		select {
		case m.Notifications <- Notification{text, time.Now()}:
		default:
		}
	}
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// keep keeps descriptors of files that it does not have yet, under whatever name: so
// does systemd.
func (m *Manager) keep(name string, fds []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		file := os.NewFile(uintptr(fd), name)
		if slices.ContainsFunc(m.kept, func(k *os.File) bool { return sameFile(k, file) }) {
			file.Close()
			continue
		}
		m.kept = append(m.kept, file)
	}
}

func sameFile(a, b *os.File) bool {
	one, err := a.Stat()
	two, otherErr := b.Stat()
	return err == nil && otherErr == nil && os.SameFile(one, two)
}

func (m *Manager) discard(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = slices.DeleteFunc(m.kept, func(f *os.File) bool {
		if f.Name() != name {
			return false
		}
		f.Close()
		return true
	})
}

func closeAll(files []*os.File) {
	for _, file := range files {
		file.Close()
	}
}

// Kept are the names of the descriptors that are kept, sorted.
func (m *Manager) Kept() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, file := range m.kept {
		names = append(names, file.Name())
	}
	slices.Sort(names)
	return names
}

// Start starts a command by a function such as [exec.Cmd.Start], as one of the
// unit's processes: it gets the socket, and what is kept. Environment variables that
// the command has stay. Its path must not be /proc/self/exe.
func (m *Manager) Start(cmd *exec.Cmd, start func(*exec.Cmd) error) error {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+m.Path)
	files, err := m.copies()
	defer closeAll(files)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		var names []string
		for _, file := range files {
			names = append(names, file.Name())
		}
		cmd.ExtraFiles = files
		cmd.Env = append(cmd.Env, "LISTEN_FDS="+strconv.Itoa(len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
		// The variable has the process's own number, which its shell knows first.
		cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	}
	return start(cmd)
}

// copies are descriptors of what is kept, for a process.
func (m *Manager) copies() (files []*os.File, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, file := range m.kept {
		// By Fd it would become a blocking one, for all that have it.
		raw, err := file.SyscallConn()
		if err != nil {
			return files, err
		}
		var fd int
		controlErr := raw.Control(func(kept uintptr) { fd, err = unix.FcntlInt(kept, unix.F_DUPFD_CLOEXEC, 0) })
		if err := errors.Join(controlErr, err); err != nil {
			return files, err
		}
		files = append(files, os.NewFile(uintptr(fd), file.Name()))
	}
	return files, nil
}
