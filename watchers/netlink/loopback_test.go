package netlink

import (
	"context"
	"testing"

	rtnetlink "github.com/vishvananda/netlink"

	"github.com/nodedns/nodedns/internal/testkit"
)

func TestLoopback(t *testing.T) {
	t.Parallel()
	n := newNamespace(t)
	changed := make(chan struct{}, 10)
	l := newLoopback(&n.ns, func() { changed <- struct{}{} }, nil)
	if l.HasIPv6() {
		t.Error("lo is down and has ::1")
	}
	lo, err := n.LinkByName("lo")
	n.must(err)
	n.must(n.LinkSetUp(lo)) // before Run, which makes up for it
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	await := func(what string, want bool) {
		t.Helper()
		testkit.EventuallyTrue(t, what, func() bool { return l.HasIPv6() == want })
		<-changed
	}
	await("lo is up", true)
	six, err := rtnetlink.ParseAddr("::1/128")
	n.must(err)
	n.must(n.AddrDel(lo, six))
	await("::1 is taken away", false)
	n.must(n.AddrAdd(lo, six))
	await("::1 is there again", true)
	n.must(n.LinkSetDown(lo))
	await("lo is down", false)
	n.must(n.LinkSetUp(lo))
	await("lo is up again", true)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(changed) > 0 {
		t.Error("a change was reported that was none")
	}
}
