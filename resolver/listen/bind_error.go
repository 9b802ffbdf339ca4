package listen

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// bindError is why the kernel did not bind an address.
type bindError struct {
	network string // "tcp" or "udp"
	addr    netip.AddrPort
	cause   error
}

func (r *bindError) Error() string {
	return fmt.Sprintf("listen on %v (%s): %v", r.addr, r.network, r.cause)
}
func (r *bindError) Unwrap() error { return r.cause }

var (
	errNoInterface = errors.New("there is no interface") // of that name
	errNoAddress   = errors.New("no interface has the address")
	errFamilyOff   = errors.New("IPv6 is turned off")
)

// absent reports whether an address was refused because this machine does not
// have it: unlike other errors, this may change.
func absent(err error) bool {
	return errors.Is(err, errNoInterface) || errors.Is(err, syscall.ENODEV) ||
		errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// missing names what has to appear for an absent address to be bound.
func missing(addr netip.Addr, err error) error {
	switch {
	case errors.Is(err, errNoInterface), errors.Is(err, syscall.ENODEV):
		return fmt.Errorf("%w %s", errNoInterface, addr.Zone())
	case errors.Is(err, syscall.EAFNOSUPPORT), addr == netip.IPv6Loopback():
		return errFamilyOff
	}
	return errNoAddress
}

// describeBindError adds what to do about a failure to bind.
func describeBindError(network string, addr netip.AddrPort, err error) error {
	// What the net package adds to the cause is reported already.
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		err = errno
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %v (%s): %w%s", addr, network, err, inUse("/proc", network, addr))
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("listen on %v (%s): %w; give the process the capability CAP_NET_BIND_SERVICE, or listen on a port above 1023", addr, network, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %v (%s): %w; listen on an address that this machine has", addr, network, err)
	}
	return fmt.Errorf("listen on %v (%s): %w", addr, network, err)
}

// inUse names the process that holds an address, as can be seen below proc, and the remedy.
func inUse(proc, network string, addr netip.AddrPort) string {
	by, remedy, ok := SocketOwner(proc, network, addr)
	if !ok {
		return "; " + remedy
	}
	return " by " + by + "; " + remedy
}
