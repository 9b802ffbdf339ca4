package managed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSymlinks is the kernel's own limit for one path.
const maxSymlinks = 40

// Below is where a path lies with the given root; an empty one is "/".
func Below(root, path string) string {
	return filepath.Join("/", root, path)
}

// Resolve follows the symlinks of a path as a process would whose root is
// root, so that none leads out of it. What is missing is taken as it stands: a
// dangling symlink names the file to be made.
func Resolve(root, path string) (string, error) {
	at := "/" // as seen from root
	rest := strings.Split(path, "/")
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == "" || name == "." {
			continue
		}
		next := filepath.Join(at, name) // ".." ends at "/"
		host := Below(root, next)
		info, err := os.Lstat(host)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("resolve %s: %w", Below(root, path), err)
		}
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxSymlinks {
			return "", fmt.Errorf("resolve %s: %w", Below(root, path), unix.ELOOP)
		}
		target, err := os.Readlink(host)
		if err != nil {
			return "", fmt.Errorf("resolve %s: %w", Below(root, path), err)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return Below(root, at), nil
}

// makeParents makes the missing directories above a file, mode 0755 whatever
// the umask: everybody has to reach the file.
func makeParents(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeParents(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}
