package netlink

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

// subscription is a socket that the kernel notifies of changes, and the goroutine
// that reads it.
type subscription struct {
	socket *nl.NetlinkSocket
	hints  retry.Hint // that something changed
	// broken is closed when the goroutine has ended; err is then the reason.
	broken chan struct{}
	err    error
}

// subscribe opens the socket and starts reading it.
func (w *Watcher) subscribe() (*subscription, error) {
	socket, err := nl.SubscribeAt(namespaceOrNone(w.namespace), netns.None(), unix.NETLINK_ROUTE,
		unix.RTNLGRP_LINK,
		unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
		unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("subscribe to the kernel's address changes: %w", err)
	}
	size := w.receiveBuffer
	if size == 0 {
		size = receiveBuffer
	}
	// Going beyond net.core.rmem_max needs CAP_NET_ADMIN. Without it we get
	// what the sysctl allows, and a burst costs a restart of Run instead.
	if err := socket.SetReceiveBufferSize(size, true); err != nil {
		if err := socket.SetReceiveBufferSize(size, false); err != nil {
			socket.Close()
			return nil, fmt.Errorf("set the receive buffer of the subscription to address changes: %w", err)
		}
	}
	sub := &subscription{
		socket: socket,
		hints:  retry.NewHint(),
		broken: make(chan struct{}),
	}
	go func() {
		defer close(sub.broken)
		sub.err = sub.receive(w.onReceive)
	}()
	return sub, nil
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

// close ends the goroutine and waits for it.
func (s *subscription) close() {
	s.socket.Close()
	<-s.broken
}

func namespaceOrNone(ns *netns.NsHandle) netns.NsHandle {
	if ns == nil {
		return netns.None()
	}
	return *ns
}
