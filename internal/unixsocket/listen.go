package unixsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrInUse means that another process serves the socket.
var ErrInUse = errors.New("another process serves the socket")

// Listener is the serving end of a socket.
type Listener struct {
	*net.UnixListener
	path string
	made fs.FileInfo // the socket, as it was made
	lock *os.File
}

// Listen makes the socket with this mode, whatever the umask, and its directory
// if that is missing. A socket that is not served any more is replaced, and
// nothing else. Otherwise the error is [ErrInUse], and names the process.
func Listen(path string, mode fs.FileMode) (*Listener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("make the socket: its path has %d bytes, and %d are possible: %s; choose a shorter directory",
			len(path), maxPath, path)
	}
	if err := makeDirectory(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("make the directory of the socket: %w", err)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	l, err := listen(path, mode)
	if err != nil {
		lock.Close()
		return nil, err
	}
	l.lock = lock
	return l, nil
}

// Close stops accepting connections, and removes the socket if it is still
// ours. The path stays reserved until Unlock.
func (l *Listener) Close() error {
	var removed error
	if l.Displaced() == nil {
		removed = os.Remove(l.path)
	}
	return errors.Join(removed, l.UnixListener.Close())
}

// Unlock releases the path. It must be called after Close, when this process no
// longer writes anything.
func (l *Listener) Unlock() { l.lock.Close() }

// Displaced returns an error if the socket was removed or replaced by another one, so
// that this one cannot be reached any more.
func (l *Listener) Displaced() error {
	there, err := os.Lstat(l.path)
	switch {
	case err != nil:
		return fmt.Errorf("the socket is gone: %w", err)
	case !os.SameFile(there, l.made):
		return fmt.Errorf("another program replaced our socket: %s", l.path)
	}
	return nil
}

// makeDirectory makes a directory that all users may enter, whatever the umask.
func makeDirectory(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// acquire locks a file beside the socket for as long as it is open. The lock
// leaves no moment between finding a socket dead and removing it. The file
// stays, since removing it would open such a moment again.
func acquire(path string) (*os.File, error) {
	// The directory may be another user's, such as systemd-resolved's.
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the socket: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, inUse(path, serverOf(path))
	}
	return nil, fmt.Errorf("lock the socket: %s: %w", f.Name(), err)
}

// maxPath is how long the kernel lets the path of a socket be, in bytes.
const maxPath = 107

func listen(path string, mode fs.FileMode) (*Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("make the socket: %w", err)
	}
	socket.SetUnlinkOnClose(false) // it may be another one's by then
	err = os.Chmod(path, mode)
	made, statErr := os.Lstat(path)
	if err := errors.Join(err, statErr); err != nil {
		_ = os.Remove(path)
		socket.Close()
		return nil, fmt.Errorf("set the mode of the socket: %w", err)
	}
	return &Listener{UnixListener: socket, path: path, made: made}, nil
}

// removeStale removes a socket on which no process listens, and nothing else.
// Only a refusal means that: of one whose queue is full the error is another.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("make the socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("make the socket: %s is there and is no socket; remove it, or choose another path", path)
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		defer conn.Close()
		return inUse(path, server(conn))
	case errors.Is(err, unix.EAGAIN):
		return inUse(path, "")
	case !errors.Is(err, unix.ECONNREFUSED):
		return fmt.Errorf("find out whether the socket is in use: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the socket that is not served any more: %w", err)
	}
	return nil
}

// inUse is the error where a process, empty if not known, serves a path.
func inUse(path, process string) error {
	if process == "" {
		return fmt.Errorf("%w %s", ErrInUse, path)
	}
	return fmt.Errorf("%w %s: %s", ErrInUse, path, process)
}
