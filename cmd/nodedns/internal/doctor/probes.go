package doctor

import (
	"context"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/watchers/netlink"
)

// RealProbes query this machine. With a root for the files the service manager,
// the clock and the network are skipped: they are not those of the files'
// machine.
func RealProbes(ctx context.Context, root string) Probes {
	p := Probes{Disk: disk, Immutable: immutable}
	if root == "" {
		p.Synchronized = synchronized
		p.Unit = func() (machine.Unit, error) { return machine.ShowUnit(ctx) }
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

// immutable is false where the file system has no such attribute.
func immutable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	return err == nil && flags&unix.STATX_ATTR_IMMUTABLE != 0
}

// synchronized asks the kernel, which time services notify.
func synchronized() (bool, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, os.NewSyscallError("adjtimex", err)
	}
	return t.Status&unix.STA_UNSYNC == 0, nil
}
