package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns"
)

// The states that are sent to the service manager, see sd_notify(3).
const (
	readyState    = systemd.SdNotifyReady
	stoppingState = systemd.SdNotifyStopping
	aliveState    = systemd.SdNotifyWatchdog
)

const (
	// statusInterval is how often the line for "systemctl status" is brought up to date.
	statusInterval = 10 * time.Second
	// watchdogPings is how many pings fall into the time after which the
	// service manager considers us hung. A ping may come as late as the next
	// one is due, so that half of that time passes without one at most.
	watchdogPings = 4
)

// reloadingState carries the time, by which the service manager distinguishes
// the answer to its own SIGHUP from an earlier one (Type=notify-reload).
func reloadingState() string {
	var now unix.Timespec
	// It cannot fail: the clock always exists.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return fmt.Sprintf("%s\nMONOTONIC_USEC=%d", systemd.SdNotifyReloading, now.Nano()/1000)
}

// notify sends a state to the service manager, if there is one.
func (d *daemon) notify(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		d.log.Warn("the service manager cannot be notified", "state", state, "error", err)
	}
}

// watchdog is what is reported to the service manager periodically.
type watchdog struct {
	interval time.Duration
	enabled  bool   // it restarts us when no ping arrives
	status   string // that was sent last
}

// newWatchdog finds out from the environment what the service manager expects,
// or returns nil if there is none.
func (d *daemon) newWatchdog() *watchdog {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	within, err := systemd.SdWatchdogEnabled(false)
	if err != nil {
		d.log.Warn("the watchdog of the service manager gets no pings", "error", err)
	}
	if within <= 0 {
		return &watchdog{interval: statusInterval}
	}
	return &watchdog{interval: min(within/watchdogPings, statusInterval), enabled: true}
}

// report reports to the service manager until ctx ends. Without one there is
// nothing to wake for.
func (d *daemon) report(ctx context.Context, w *watchdog) {
	if w == nil {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(w.interval)
	defer tick.Stop()
	for {
		d.watchdogTick(ctx, w)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// watchdogTick pings the watchdog, but only while all parts of the process make
// progress. Whether names are answered well is in the status: a restart does
// not help against a flood, or an unreachable cluster.
func (d *daemon) watchdogTick(ctx context.Context, w *watchdog) {
	if w.enabled {
		within, cancel := context.WithTimeout(ctx, w.interval)
		err := d.service.Alive(within)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.log.Error("no progress, the watchdog gets no ping", "error", err)
		default:
			d.notify(aliveState)
		}
	}
	if line := statusLine(d.service.Status()); line != w.status {
		w.status = line
		d.notify("STATUS=" + line)
	}
}

// statusLine is what "systemctl status" shows.
func statusLine(s nodedns.Status) string {
	line := fmt.Sprintf("%s, %d nodes, curator %s", s.State, s.Nodes.Live, s.Curator.State)
	if reason := firstReason(s.Verdict); reason != "" {
		line += "; " + reason
	}
	// The message to the service manager is of lines.
	return strings.Join(strings.Fields(line), " ")
}
