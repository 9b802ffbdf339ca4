package hostsfile

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

// hostnameInterval is the least time between two checks of the hostname, and how
// often it is checked where the kernel does not notify of its changes.
const hostnameInterval = 5 * time.Second

// followHostname calls look at once, and again after each change of the kernel's
// hostname, until ctx ends.
func followHostname(ctx context.Context, look func()) {
	for pollHostname(ctx, hostnameInterval, look); ctx.Err() == nil; look() {
		retry.Sleep(ctx, hostnameInterval)
	}
}

// pollHostname is followHostname that returns where the kernel does not notify,
// such as without /proc. The kernel wakes all who wait on the file (poll(2))
// after a change in any UTS namespace. Where containers start one after the
// other that is often, and almost never for us: so there is a pause after each.
// With the runtime's poller the thread would be woken in that too.
func pollHostname(ctx context.Context, pause time.Duration, look func()) {
	fd, err := unix.Open(kernelName, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	end, ended, err := os.Pipe()
	if err != nil {
		return
	}
	defer end.Close()
	defer ended.Close()
	defer context.AfterFunc(ctx, func() { _ = ended.Close() })()
	waited := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}, {Fd: int32(end.Fd())}}
	for look(); ctx.Err() == nil; look() {
		_, err := unix.Poll(waited, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil, waited[0].Revents&unix.POLLPRI == 0:
			return
		}
		retry.Sleep(ctx, pause)
	}
}
