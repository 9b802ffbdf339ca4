package netlink

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// hintDelay is how long after the first hint the kernel's lists are read.
	// It is fixed from the first hint on, so that a storm cannot put the
	// reading off, and leaves room below the promised 50 ms for the reading
	// itself. It must not be zero: the kernel announces that an address or a
	// link is going before it withdraws the routes that depend on it.
	hintDelay = 30 * time.Millisecond

	// confirmDelay is when the lists are read once more after the last hint.
	// IPv4 routes that go together with their link or source address are
	// withdrawn without a message. hintDelay outlasts that, unless the machine
	// is starved of CPU at the wrong moment.
	confirmDelay = time.Second
)

// addressGroups are the messages that may concern this machine's addresses.
var addressGroups = []uint{
	unix.RTNLGRP_LINK,
	unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
	unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
}

// subscription is a socket that the kernel notifies of changes, and the goroutine
// that reads it.
type subscription struct {
	socket *nl.NetlinkSocket
	hints  retry.Hint // that something changed
	closed chan struct{}
	// broken is closed when the goroutine has ended; err is then the reason.
	broken chan struct{}
	err    error
}

// subscribe opens a socket for some groups of messages (RTNLGRP_*), with a
// receive buffer of that size in bytes, as far as it is allowed.
func subscribe(ns *netns.NsHandle, buffer int, groups ...uint) (*subscription, error) {
	socket, err := nl.SubscribeAt(namespaceOrNone(ns), netns.None(), unix.NETLINK_ROUTE, groups...)
	if err != nil {
		return nil, fmt.Errorf("subscribe to the kernel's network changes: %w", err)
	}
	// Going beyond net.core.rmem_max needs CAP_NET_ADMIN. Without it we get
	// what the sysctl allows.
	if err := socket.SetReceiveBufferSize(buffer, true); err != nil {
		if err := socket.SetReceiveBufferSize(buffer, false); err != nil {
			socket.Close()
			return nil, fmt.Errorf("set the receive buffer of the subscription to network changes: %w", err)
		}
	}
	return &subscription{
		socket: socket,
		hints:  retry.NewHint(),
		closed: make(chan struct{}),
		broken: make(chan struct{}),
	}, nil
}

// start has a goroutine receive until the socket fails or is closed.
func (s *subscription) start(receive func() error) {
	go func() {
		defer close(s.broken)
		s.err = receive()
	}()
}

// receive turns messages into hints until the socket fails or is closed.
func (s *subscription) receive(before func()) error {
	for {
		if before != nil {
			before()
		}
		msgs, _, err := s.socket.Receive()
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			return fmt.Errorf("receive the kernel's address changes: some were dropped in a burst, all is to be listed again: %w", err)
		case err != nil:
			return fmt.Errorf("receive the kernel's address changes: %w", err)
		}
		for _, msg := range msgs {
			if isHint(msg) {
				s.hints.Send()
				break
			}
		}
	}
}

// isHint reports whether a message may concern our choice. Only routes other
// than default ones are ignored: on a router that runs BGP they change all the
// time, and each reading there lists the whole table.
func isHint(msg syscall.NetlinkMessage) bool {
	switch msg.Header.Type {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return len(msg.Data) < unix.SizeofRtMsg || nl.DeserializeRtMsg(msg.Data).Dst_len == 0
	default:
		return true
	}
}

// follow calls read at once, some time after each first hint, and a last time when
// the hints have ceased. It returns nil when ctx ends, and otherwise why read or
// the subscription failed.
func (s *subscription) follow(ctx context.Context, read func() error) error {
	err := read()
	var reread, confirm <-chan time.Time
	for err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-s.broken:
			return s.err
		case <-s.hints:
			if reread == nil {
				reread = time.After(hintDelay)
			}
		case <-reread:
			reread, confirm = nil, time.After(confirmDelay)
			err = read()
		case <-confirm:
			confirm = nil
			err = read()
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// close ends the goroutine and waits for it.
func (s *subscription) close() {
	close(s.closed)
	s.socket.Close()
	<-s.broken
}

func namespaceOrNone(ns *netns.NsHandle) netns.NsHandle {
	if ns == nil {
		return netns.None()
	}
	return *ns
}
