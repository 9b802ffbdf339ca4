package integration

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// packaged is the configuration that the packages ship.
func packaged(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../packaging/nodedns.toml")
	must(t, err)
	return string(text)
}

// install makes a node have the packaged configuration, with its identity and
// no upstreams in a drop-in of the user's.
func (n *node) install() {
	n.t.Helper()
	n.configure(noUpstream)
	own := n.read(configFile)
	n.write(configFile, packaged(n.t))
	n.write("/etc/nodedns/nodedns.d/10-node.toml", own)
}

// systemctl stands for systemd, as far as enable needs it. The daemon that it
// runs ends with the test. What the shell can do by itself starts no program:
// the tests call it a few hundred times.
const systemctl = `#!/bin/sh
dir=${0%/*}
runs() {
	{ read -r pid <"$dir/pid" && read -r _ _ state _ <"/proc/$pid/stat"; } 2>/dev/null && [ "$state" != Z ]
}
started() {
	[ -S SOCKET ] || return
	status=$(NODEDNS status --config CONFIG 2>&1) || return
	case $status in *starting*) return 1 ;; esac
}
echo "$1" >>"$dir/calls"
case $1 in
is-active) runs || exit 3 ;;
is-enabled) [ -e "$dir/enabled" ] ;;
enable) : >"$dir/enabled" ;;
disable) rm -f "$dir/enabled" ;;
restart) "$0" stop && "$0" start ;;
stop)
	if runs; then kill "$pid"; while runs; do sleep 0.02; done; fi
	NODEDNS resolvconf restore --config CONFIG >/dev/null
	;;
start)
	if runs; then exit 0; fi
	NODEDNS run --config CONFIG >>"$dir/log" 2>&1 &
	echo $! >"$dir/pid"
	while runs; do
		started && exit 0
		sleep 0.05
	done
	exit 1
	;;
esac
`

// systemd makes a node one that systemd runs, and returns the directory of its
// systemctl.
func (n *node) systemd() (dir string) {
	n.t.Helper()
	dir = n.t.TempDir()
	script := strings.NewReplacer("NODEDNS", filepath.Join(binaries, "nodedns"), "CONFIG", configFile, "SOCKET", controlSocket).Replace(systemctl)
	must(n.t, os.WriteFile(filepath.Join(dir, "systemctl"), []byte(script), 0o755))
	n.write("/etc/systemd/system/nodedns.service", "[Service]\n")
	n.run("mkdir", "-p", "/run/systemd/system")
	n.t.Cleanup(func() {
		n.run(filepath.Join(dir, "systemctl"), "stop", "nodedns.service")
		if log, err := os.ReadFile(filepath.Join(dir, "log")); err == nil && n.t.Failed() {
			n.t.Logf("log of the service:\n%s", log)
		}
	})
	return dir
}

// switching runs enable or disable, with the systemctl of a directory.
func (n *node) switching(dir string, args ...string) (string, error) {
	path := "PATH=" + dir + ":" + os.Getenv("PATH")
	return n.try("env", slices.Concat([]string{path, filepath.Join(binaries, "nodedns")}, args, []string{"--config", configFile})...)
}

// tree is all there is to a directory: types, modes, owners, contents, targets
// and extended attributes.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err != nil {
			return err
		}
		text := fmt.Sprintf("%o %d:%d", s.Mode, s.Uid, s.Gid)
		switch {
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " to " + target
		case entry.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			mark := make([]byte, 64)
			size, _ := unix.Getxattr(path, "user.mark", mark) // most have none
			text += fmt.Sprintf(" %q %q", mark[:max(size, 0)], content)
		}
		files[strings.TrimPrefix(path, dir)] = text
		return nil
	}))
	return files
}

// sameTree fails unless a directory is what it was.
func sameTree(t *testing.T, before, after map[string]string) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(before)) {
		if after[path] != before[path] {
			t.Errorf("%s was %s, and is %q now", path, before[path], after[path])
		}
	}
	for path, now := range after {
		if _, was := before[path]; !was {
			t.Errorf("%s is new: %s", path, now)
		}
	}
}
