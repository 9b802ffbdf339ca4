package nodedns

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bootClock reads CLOCK_BOOTTIME: unlike Go's monotonic clock it goes on while
// the machine is suspended, so ages and retentions count right. The call is raw
// since an ordinary one wakes the runtime's monitoring thread, which is dear
// beside a query.
func bootClock() time.Duration {
	var now unix.Timespec
	// It cannot fail: the clock exists since Linux 2.6.39.
	_, _, _ = unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&now)), 0)
	return time.Duration(now.Nano())
}
