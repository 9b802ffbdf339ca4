// Package boottime provides what the kernel knows of this boot of the machine:
// the time since then, and its ID.
package boottime

import (
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Now reads CLOCK_BOOTTIME: unlike Go's monotonic clock it goes on while the
// machine is suspended, so ages and retentions count right. The call is raw
// since an ordinary one wakes the runtime's monitoring thread, which costs more
// than answering a query, and this is called for each batch of them.
func Now() time.Duration {
	var now unix.Timespec
	// It cannot fail: the clock exists since Linux 2.6.39.
	_, _, _ = unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&now)), 0)
	return time.Duration(now.Nano())
}

// ID is the kernel's ID of this boot (random(4)). It is empty where it cannot
// be read, as in some sandboxes: what depends on it is then left out.
func ID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
