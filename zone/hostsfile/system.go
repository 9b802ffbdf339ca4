package hostsfile

import (
	"context"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/managed"
)

// system is the calls by which this package has the kernel change something.
// The fields are there for tests, which make single calls fail or die in
// between.
type system struct {
	*managed.System
	hostname    func() (string, error)
	setHostname func(name string) error
	// followHostname calls look after changes of the hostname until ctx ends.
	followHostname func(ctx context.Context, look func())
}

func realSystem() *system {
	return &system{
		System:   managed.RealSystem(),
		hostname: kernelHostname,
		setHostname: func(name string) error {
			return os.NewSyscallError("sethostname", unix.Sethostname([]byte(name)))
		},
		followHostname: followHostname,
	}
}

// kernelHostname asks the kernel: os.Hostname would fall back to a file.
func kernelHostname() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", os.NewSyscallError("uname", err)
	}
	return unix.ByteSliceToString(name.Nodename[:]), nil
}
