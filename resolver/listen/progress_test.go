package listen

import (
	"net/netip"
	"testing"
	"time"
)

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func TestProgress(t *testing.T) {
	hangs, release := make(chan struct{}), make(chan struct{})
	s := start(t, answerer(func(m []byte, _ Client, b []byte) ([]byte, Wait) {
		if m[0] == '!' {
			close(hangs)
			<-release
		}
		return append(b, m...), nil
	}), Limits{}, "127.0.0.1:0", "127.0.0.2:0")
	here, there := s.Addrs()[0], s.Addrs()[1]
	c, other := dial(t, "udp", here), dial(t, "udp", there)

	idle := s.Progress()
	if idle.Handled(here) || idle.Stalled() != nil {
		t.Error("there was nothing to do, and something was done or left undone")
	}
	c.send([]byte("?"))
	c.wantPacket("?")
	eventually(t, "it is counted", func() bool { return idle.Handled(here) })
	if idle.Handled(there) {
		t.Error("the other listener was asked nothing")
	}

	// One client's queries are all for one loop, which hangs at the first.
	c.send([]byte("!"))
	<-hangs
	c.send([]byte("?"))
	var hung Progress
	eventually(t, "the next one waits", func() bool {
		hung = s.Progress()
		return len(hung.Stalled()) == 1 && hung.Stalled()[0] == here
	})
	other.send([]byte("?"))
	other.wantPacket("?")
	eventually(t, "the other listener goes on", func() bool { return hung.Handled(there) })
	if hung.Handled(here) || len(hung.Stalled()) != 1 {
		t.Errorf("what hangs counts as progress: %v", hung.Stalled())
	}

	close(release)
	eventually(t, "it goes on", func() bool { return hung.Stalled() == nil && hung.Handled(here) })
}

// Sockets that nothing serves have progress too: none.
func TestProgressWithoutServe(t *testing.T) {
	s, err := Bind([]netip.AddrPort{loopback})
	if err != nil {
		t.Fatal(err)
	}
	dial(t, "udp", s.Addrs()[0]).send([]byte("?"))
	p := s.Progress()
	if len(p.Stalled()) != 1 {
		t.Errorf("stalled are %v", p.Stalled())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if p.Stalled() != nil || s.Progress().Stalled() != nil {
		t.Error("what is closed is stalled")
	}
}
