package listen

import (
	"fmt"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// familyOf returns the suffix of a network's name in package net.
func familyOf(addr netip.Addr) string {
	if addr.Is4() {
		return "4"
	}
	return "6"
}

// numberZone makes the zone of an address the number that the interface has
// now. The net package would cache that number for a minute, in which another
// interface can have taken over the name.
func numberZone(addr netip.Addr) (netip.Addr, error) {
	if addr.Zone() == "" {
		return addr, nil
	}
	if _, err := strconv.ParseUint(addr.Zone(), 10, 31); err == nil {
		return addr, nil
	}
	request, err := unix.NewIfreq(addr.Zone())
	if err != nil {
		return addr, errNoInterface // no interface's name is that long
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return addr, fmt.Errorf("open a socket to ask for the interface %s: %w", addr.Zone(), err)
	}
	defer unix.Close(fd) // nothing was written to it
	switch err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request); err {
	case nil:
		return addr.WithZone(strconv.FormatUint(uint64(request.Uint32()), 10)), nil
	case unix.ENODEV:
		return addr, errNoInterface
	default:
		return addr, fmt.Errorf("find the interface %s: %w", addr.Zone(), err)
	}
}

// keepOnLink has what a socket sends dropped by the first router, when it is
// bound to an address that means something on this machine or this link only. A
// client that reaches such a listener from elsewhere, by a rewritten
// destination for instance, gets no reply.
func keepOnLink(raw syscall.RawConn, addr netip.Addr) error {
	switch {
	case !addr.IsLoopback() && !addr.IsLinkLocalUnicast():
		return nil
	case addr.Is4():
		return setOption(raw, unix.IPPROTO_IP, unix.IP_TTL, 1)
	}
	return setOption(raw, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 1)
}

// setOption sets an integer socket option.
func setOption(raw syscall.RawConn, level, option, value int) error {
	var err error
	if controlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), level, option, value)
	}); controlErr != nil {
		return controlErr
	}
	return err
}
