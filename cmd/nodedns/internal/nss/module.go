package nss

import (
	"os"
	"path/filepath"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
)

// libraries are the directories in which distributions have those of services,
// as patterns.
var libraries = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/lib/*-linux-*", "/usr/lib/*-linux-*", "/usr/local/lib"}

// Installed says whether the library of a service is below a root, which is empty
// for this machine. Those of the hosts file and of DNS are a part of glibc.
func Installed(root, service string) bool { return installed(root, service, libraries) }

func installed(root, service string, dirs []string) bool {
	if service == nsswitch.Files || service == nsswitch.DNS {
		return true
	}
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join("/", root, dir, "libnss_"+service+".so.2"))
		if err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

// hasModule is [Installed] in the environment of this process, which may have
// libraries looked for elsewhere too.
func (m *Machine) hasModule(service string) bool {
	return Installed(m.root, service) || installed(m.root, service, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")))
}
