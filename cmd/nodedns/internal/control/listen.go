package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrInUse says that another daemon serves the socket.
var ErrInUse = errors.New("another nodedns daemon is running")

// Listener is the daemon's end of the socket.
type Listener struct {
	net.Listener // whose Close removes the socket
	lock         *os.File
}

// Listen makes the socket, and its directory if that is missing. A socket that
// a daemon left behind which was killed is replaced. Where a daemon is alive
// the error is [ErrInUse]: two of them would fight over the same files.
func Listen(path string) (*Listener, error) {
	if err := makeDirectory(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("make the directory of the control socket: %w", err)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	l, err := listen(path)
	if err != nil {
		lock.Close()
		return nil, err
	}
	return &Listener{l, lock}, nil
}

// Unlock lets another daemon start. It is to be called after Close, when this
// one writes nothing any more.
func (l *Listener) Unlock() { l.lock.Close() }

// makeDirectory makes a directory that everybody may enter, whatever the umask.
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
// is what a daemon is known to be alive by: it goes with the process, however
// that ends, and leaves no moment between finding a socket dead and removing
// it. The file stays, since removing it would open such a moment again.
func acquire(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the control socket: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, inUse(path)
	}
	return nil, fmt.Errorf("lock the control socket: %s: %w", f.Name(), err)
}

// maxPath is how long the kernel lets the path of a socket be, in bytes.
const maxPath = 107

func listen(path string) (net.Listener, error) {
	if len(path) > maxPath {
		return nil, fmt.Errorf("make the control socket: its path has %d bytes, and %d are possible: %s; choose a shorter directory",
			len(path), maxPath, path)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("make the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		l.Close()
		return nil, fmt.Errorf("open the control socket to all users: %w", err)
	}
	return l, nil
}

// removeStale removes a socket on which nobody listens, and nothing else.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("make the control socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("make the control socket: %s is there and is no socket; remove it, or set control.socket", path)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return inUse(path)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the control socket of an earlier run: %w", err)
	}
	return nil
}

func inUse(path string) error {
	return fmt.Errorf("%w: it serves %s; stop it, or give this one another control.socket and other files", ErrInUse, path)
}
