package hostsfile

import (
	"os"

	"github.com/nodedns/nodedns/internal/osfile"
)

// systemdRuns is the directory by which sd_booted(3) recognises its init.
const systemdRuns = "/run/systemd/system"

// runsSystemd reports whether systemd is the init of the machine that has this
// root.
func runsSystemd(root string) bool { return isDir(root, systemdRuns) }

// usesSystemd is runsSystemd for the root of an image too, whose machine does not
// run: there systemd's units show it. An image with the units but another init is
// taken for one of systemd's, which is the safe side: what systemd accepts, others
// do too.
func usesSystemd(root string) bool {
	return runsSystemd(root) || root != "" &&
		(isDir(root, "/usr/lib/systemd/system") || isDir(root, "/lib/systemd/system") || isDir(root, "/etc/systemd/system"))
}

// isDir reports whether a path leads to a directory, as seen from the root.
func isDir(root, path string) bool {
	real, err := osfile.Resolve(root, path)
	if err != nil {
		return false
	}
	info, err := os.Lstat(real)
	return err == nil && info.IsDir()
}
