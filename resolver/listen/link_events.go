package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// debounce is how long the kernel's notifications are collected: changes
	// come in bursts, and an address that is replaced by itself is still there.
	debounce = 30 * time.Millisecond
	// pollInterval is the time between checks where the kernel does not notify.
	pollInterval = 10 * time.Second
)

// followLinks calls look at once, when links or addresses of this machine may
// have changed, and periodically, until ctx ends. What the kernel sends is not
// parsed: that it sends something is enough.
func followLinks(ctx context.Context, log *slog.Logger, look func()) {
	var receiving sync.WaitGroup
	defer receiving.Wait()
	hints, failed := retry.NewHint(), make(chan struct{})
	news, err := subscribeLinks()
	if err != nil {
		warnLate(log, err)
		close(failed)
	} else {
		receiving.Go(func() { defer close(failed); receiveLinkEvents(news, hints, log) })
		defer func() { _ = news.SetReadDeadline(time.Unix(1, 0)) }()
	}
	pause := retry.Anyway
	for {
		look() // the first time for what changed before the subscription
		select {
		case <-ctx.Done():
			return
		case <-hints:
			retry.Sleep(ctx, debounce)
		case <-failed:
			failed, pause = nil, pollInterval
		case <-time.After(pause):
		}
	}
}

func warnLate(log *slog.Logger, err error) {
	log.Warn("changes of the listeners' addresses are noticed late", "within", pollInterval, "error", err)
}

// subscribeLinks opens a socket that the kernel notifies of changes.
func subscribeLinks() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a socket for the kernel's news: %w", err)
	}
	groups := 0
	for _, group := range []int{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR} {
		groups |= 1 << (group - 1)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: uint32(groups)}); err != nil {
		_ = unix.Close(fd) // it is not used
		return nil, fmt.Errorf("subscribe to the kernel's news of links and addresses: %w", err)
	}
	return os.NewFile(uintptr(fd), "rtnetlink"), nil
}

// receiveLinkEvents turns messages into hints until the socket's deadline, and closes it.
func receiveLinkEvents(news *os.File, hints retry.Hint, log *slog.Logger) {
	defer news.Close() // it was only read
	var ignored [64]byte
	for {
		// ENOBUFS means that messages were lost, which is a hint as well.
		switch _, err := news.Read(ignored[:]); {
		case err == nil, errors.Is(err, unix.ENOBUFS):
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		default:
			warnLate(log, err)
			return
		}
		hints.Send()
	}
}
