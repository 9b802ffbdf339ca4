package main

import (
	"fmt"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// What the service manager is told, see sd_notify(3).
const (
	readyState    = systemd.SdNotifyReady
	stoppingState = systemd.SdNotifyStopping
)

// reloadingState carries the time, by which the service manager tells the
// answer to its own SIGHUP from an earlier one (Type=notify-reload).
func reloadingState() string {
	var now unix.Timespec
	// It cannot fail: the clock has always been there.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return fmt.Sprintf("%s\nMONOTONIC_USEC=%d", systemd.SdNotifyReloading, now.Nano()/1000)
}

// notify tells the service manager, if there is one.
func (d *daemon) notify(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		d.log.Warn("the service manager was not told", "state", state, "error", err)
	}
}
