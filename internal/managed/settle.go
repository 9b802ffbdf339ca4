package managed

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// settle gives a file that has no predecessor to the owner of its directory:
// what is new in /etc belongs to root, though we may not be root. A process
// that may not give it away keeps it, which is harmless.
func (f File) settle(path string, chown func(uid, gid int) error) {
	var dir unix.Stat_t
	if err := unix.Stat(filepath.Dir(path), &dir); err != nil || int(dir.Uid) == os.Geteuid() {
		return
	}
	if err := chown(int(dir.Uid), int(dir.Gid)); err != nil {
		f.Logger.Debug("new file stays ours, it cannot be given to the owner of its directory", "path", f.String(), "reason", err)
	}
}
