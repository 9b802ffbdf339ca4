package machine

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
)

// libraries are the directories in which distributions have those of NSS
// services, as patterns.
var libraries = []string{"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/lib/*-linux-*", "/usr/lib/*-linux-*", "/usr/local/lib"}

// HasModule reports whether the library of an NSS service is installed. Those of
// the hosts file and of DNS are a part of glibc.
func (m Machine) HasModule(service string) bool { return m.hasModuleIn(service, libraries) }

// HasModuleHere is HasModule in the environment of this process, which may add
// directories to search.
func (m Machine) HasModuleHere(service string) bool {
	return m.HasModule(service) || m.hasModuleIn(service, filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")))
}

func (m Machine) hasModuleIn(service string, dirs []string) bool {
	if service == nsswitch.Files || service == nsswitch.DNS {
		return true
	}
	for _, dir := range dirs {
		if m.Exists(filepath.Join(dir, "libnss_"+service+".so.2")) {
			return true
		}
	}
	return false
}

// MultiEnabled reports whether the text of a host.conf(5) has all lines of the
// hosts file for a name count. Letter case does not matter, nor does what follows.
func MultiEnabled(text string) (on bool) {
	for line := range strings.Lines(text) {
		words := strings.Fields(strings.ToLower(line))
		switch {
		case len(words) < 2 || words[0] != "multi":
		case strings.HasPrefix(words[1], "on"):
			on = true
		case strings.HasPrefix(words[1], "off"):
			on = false
		}
	}
	return on
}
