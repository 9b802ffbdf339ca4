package enable

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

var (
	errLocked  = errors.New("another nodedns command is changing this machine; wait for it, and look at the plan again")
	errChanged = errors.New("another nodedns command has enabled or disabled something meanwhile; look at the plan again")
)

// lock keeps other processes from changing the machine until release is called:
// two of them would undo parts of each other's work. A plan that is out of date
// is refused; its user may have confirmed it late.
func (m *Manager) lock(p Plan) (release func(), err error) {
	dir, err := m.lockState()
	if err != nil {
		return nil, err
	}
	now, err := m.activeKeys()
	if err == nil && !slices.Equal(now, p.active) {
		err = errChanged
	}
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	return func() { _ = dir.Close() }, nil // which was only read
}

// lockState locks the state directory, as long as it is open.
func (m *Manager) lockState() (*os.File, error) {
	path := m.Config.StateDir
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w; run this command as root", err)
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the state directory: %w; run this command as root", err)
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = dir.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, fmt.Errorf("lock the state directory %s: %w", path, err)
	}
	return dir, nil
}
