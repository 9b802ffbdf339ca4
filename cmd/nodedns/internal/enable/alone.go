package enable

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

var (
	errOthers  = errors.New("another nodedns enables or disables this machine just now; wait for it, and look at the plan anew")
	errChanged = errors.New("somebody else has enabled or disabled something meanwhile; look at the plan anew")
)

// alone keeps others from switching things until release is called: two at once
// would undo each other's halves. A plan that was made of what is not so any more
// is refused; its user may have thought about it for long.
func (m *Machine) alone(p Plan) (release func(), err error) {
	dir, err := m.lockState()
	if err != nil {
		return nil, err
	}
	now, err := m.left()
	if err == nil && !slices.Equal(now, p.left) {
		err = errChanged
	}
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	return func() { _ = dir.Close() }, nil // which was only read
}

// lockState holds the state directory for us, as long as it is open.
func (m *Machine) lockState() (*os.File, error) {
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
			return nil, errOthers
		}
		return nil, fmt.Errorf("lock the state directory %s: %w", path, err)
	}
	return dir, nil
}
