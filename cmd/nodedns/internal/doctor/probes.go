package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/watchers/netlink"
)

// RealProbes ask this machine. With a root for the files the service manager,
// the clock and the network are of no interest: they are not those of the files'
// machine.
func RealProbes(ctx context.Context, root string) Probes {
	p := Probes{Disk: disk, Immutable: immutable}
	if root == "" {
		p.Synchronized = synchronized
		p.Unit = func() (Unit, error) { return showUnit(ctx) }
		p.Absence = func(patterns []string) (netlink.Absence, []string, error) { return netlink.Missing(ctx, patterns) }
	}
	return p
}

func disk(path string) (Disk, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return Disk{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return Disk{ReadOnly: s.Flags&unix.ST_RDONLY != 0, Free: s.Bavail * uint64(s.Bsize)}, nil
}

// immutable is false where the file system knows no such thing.
func immutable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	return err == nil && flags&unix.STATX_ATTR_IMMUTABLE != 0
}

// synchronized asks the kernel, which time services tell.
func synchronized() (bool, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, os.NewSyscallError("adjtimex", err)
	}
	return t.Status&unix.STA_UNSYNC == 0, nil
}

// showTimeout bounds what systemctl may take.
const showTimeout = 5 * time.Second

// showUnit asks systemd for the service.
func showUnit(ctx context.Context) (Unit, error) {
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	text, err := exec.CommandContext(ctx, "systemctl", "show", "nodedns.service",
		"--property=LoadState,ActiveState,UnitFileState,Result").Output()
	if err != nil {
		return Unit{}, fmt.Errorf("ask systemd for nodedns.service: %w", err)
	}
	return parseUnit(string(text)), nil
}

func parseUnit(text string) Unit {
	var u Unit
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "LoadState":
			u.Loaded = value == "loaded"
		case "ActiveState":
			u.Active = value
		case "UnitFileState":
			u.Enabled = value
		case "Result":
			u.Result = value
		}
	}
	return u
}
