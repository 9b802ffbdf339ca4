// Package fdstore keeps descriptors in the service manager's descriptor store
// (sd_pid_notify_with_fds(3)), which gives them to the next process of the unit, be
// it after a restart, a crash or an upgrade. Those of a socket unit arrive the same
// way (sd_listen_fds(3)).
//
// Without a service manager nothing is kept, and that is no error. A unit that does
// not set FileDescriptorStoreMax= has none of it kept either, which only its log
// shows.
//
// The package starts no goroutines.
package fdstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// patience is how long the service manager may take to do what it was sent.
const patience = 5 * time.Second

// Store is the service manager's for this process. Its methods may be called
// concurrently.
type Store struct {
	socket string // of the service manager; "": there is none

	mu        sync.Mutex
	inherited []*os.File
	names     []string // that something is kept under, or was when we began
	unsettled bool     // something was sent since Settle
}

// New takes what the environment has of the service manager. It is for the start of
// a process, which has one Store.
func New() *Store {
	s := &Store{socket: os.Getenv("NOTIFY_SOCKET"), inherited: activation.Files(true)}
	for _, file := range s.inherited {
		s.note(file.Name())
	}
	return s
}

// IsUseful reports whether there is a service manager, or it has given something to
// this process. What another Store is given ends with the process.
func (s *Store) IsUseful() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket != "" || len(s.inherited) > 0
}

// Inherited returns the descriptors that the process was started with, by the names
// that they were kept under or that their socket unit gave them. They are the
// caller's to close. A second call returns none.
func (s *Store) Inherited() []*os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := s.inherited
	s.inherited = nil
	return files
}

// Keep has descriptors kept under a name without a colon. It does not wait for that:
// see Settle.
func (s *Store) Keep(name string, descriptors ...syscall.Conn) error {
	if s.socket == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(name)
	s.unsettled = true
	// Without FDPOLL=0 one that has an error would be closed.
	if err := s.send("FDSTORE=1\nFDPOLL=0\nFDNAME="+name, descriptors...); err != nil {
		return fmt.Errorf("keep descriptors: %w", err)
	}
	return nil
}

// Discard has all that is kept under a name closed, and returns when it is.
func (s *Store) Discard(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.discard(name)
}

func (s *Store) discard(name string) error {
	if s.socket == "" {
		return nil
	}
	err := s.send("FDSTOREREMOVE=1\nFDNAME=" + name)
	if err == nil {
		err = s.settle()
	}
	if err != nil {
		return fmt.Errorf("discard descriptors: %w", err) // Abandon tries again
	}
	s.names = slices.DeleteFunc(s.names, func(n string) bool { return n == name })
	return nil
}

// Abandon discards all that is kept: for a process that ends because it cannot
// serve. Clients get an error then, instead of waiting for the next process.
func (s *Store) Abandon() error {
	var errs []error
	for _, file := range s.Inherited() {
		errs = append(errs, file.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Clone(s.names) {
		errs = append(errs, s.discard(name))
	}
	return errors.Join(errs...)
}

// Settle returns when all that was sent is kept. What a process sends just before
// its end may be lost otherwise, as the service manager would not know whose it is.
func (s *Store) Settle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.unsettled {
		return nil
	}
	return s.settle()
}

// note records a name. The caller holds mu, or is New.
func (s *Store) note(name string) {
	if !slices.Contains(s.names, name) {
		s.names = append(s.names, name)
	}
}

// settle sends a barrier: the service manager closes it when it has dealt with all
// that came before. The caller holds mu.
func (s *Store) settle() error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("wait for the service manager: %w", err)
	}
	defer reader.Close() // it was only read
	err = errors.Join(s.send("BARRIER=1", writer), writer.Close(), reader.SetReadDeadline(time.Now().Add(patience)))
	if err == nil {
		if _, err = reader.Read(make([]byte, 1)); errors.Is(err, io.EOF) {
			s.unsettled = false
			return nil
		}
	}
	return fmt.Errorf("wait for the service manager: %w", err)
}

// send sends a message with descriptors. A service manager that does not read its
// socket holds it up for as long as patience has it.
func (s *Store) send(message string, descriptors ...syscall.Conn) error {
	var own []int
	defer func() {
		for _, fd := range own {
			_ = unix.Close(fd)
		}
	}()
	for _, d := range descriptors {
		fd, err := duplicate(d)
		if err != nil {
			return err
		}
		own = append(own, fd)
	}
	var rights []byte
	if len(own) > 0 {
		rights = unix.UnixRights(own...)
	}
	// Not by package net, which sends no descriptors over a connected socket.
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket) // what was sent is in the receiver's queue
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return err
	}
	for {
		err := unix.Sendmsg(socket, []byte(message), rights, &unix.SockaddrUnix{Name: s.socket}, 0)
		if err != unix.EINTR {
			return os.NewSyscallError("sendmsg", err)
		}
	}
}

func duplicate(d syscall.Conn) (fd int, err error) {
	raw, err := d.SyscallConn()
	if err != nil {
		return 0, err
	}
	if controlErr := raw.Control(func(theirs uintptr) { fd, err = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0) }); controlErr != nil {
		return 0, controlErr
	}
	return fd, err
}
