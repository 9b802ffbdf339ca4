package netlink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/retry"
)

const (
	// eventPause is the time between two messages that a sampler takes. Those that
	// come meanwhile and have no room in eventBuffer are dropped by the kernel,
	// which costs us nothing, however many they are.
	eventPause = 100 * time.Millisecond
	// eventBuffer is requested for the subscription, in bytes.
	eventBuffer = 8 << 10
)

// sampler reads something of the kernel again after messages of some groups, of which
// one is as good as many: it takes some of them as they come, and that others were
// dropped is one too.
type sampler struct {
	namespace *netns.NsHandle // nil: the one of the process
	groups    []uint          // RTNLGRP_*
	hints     retry.Hint      // to read again for other reasons
	warn      func(error)     // why changes are not noticed now
}

// run calls read until ctx ends and then returns nil. Where the kernel cannot be
// queried it warns, of each error once in a row, and tries again.
func (s *sampler) run(ctx context.Context, read func(*tables) error) error {
	pauses := retry.Backoff{First: time.Second, Max: time.Minute}
	var warned string
	for {
		err := s.watch(ctx, read)
		if ctx.Err() != nil {
			return nil
		}
		if text := fmt.Sprint(err); text != warned {
			warned = text
			s.warn(err)
		}
		retry.Sleep(ctx, pauses.Next())
	}
}

// watch is one try. It makes up for what was missed since the last one.
func (s *sampler) watch(ctx context.Context, read func(*tables) error) error {
	sub, err := subscribe(s.namespace, eventBuffer, s.groups...)
	if err != nil {
		return err
	}
	sub.hints = s.hints
	sub.start(func() error { return sub.sample(eventPause) })
	defer sub.close()
	kernel, err := openTables(s.namespace)
	if err != nil {
		return err
	}
	defer kernel.close()
	return sub.follow(ctx, func() error { return read(kernel) })
}

// sample turns some of the messages into hints until the socket fails or is
// closed.
func (s *subscription) sample(pause time.Duration) error {
	for {
		if _, _, err := s.socket.Receive(); err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ENOBUFS) {
			return fmt.Errorf("receive the kernel's network changes: %w", err)
		}
		s.hints.Send()
		select {
		case <-s.closed:
		case <-time.After(pause):
		}
	}
}
