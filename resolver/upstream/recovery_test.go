package upstream

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/resolver/internal/message"
)

// A failure of transport is over when a server that had failed answers a probe
// or a query, and when the route to one changes.
func TestRecoveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(lost))
		defer run(t, p)()
		_, err := g.Exchange(t.Context(), query("www.example."))
		failure := (*Failure)(nil)
		if !errors.As(err, &failure) || !failure.Transport() {
			t.Fatalf("error %v", err)
		}
		was := g.Recoveries()
		changed := func(what string) {
			t.Helper()
			if g.Recoveries() == was {
				t.Errorf("no recovery by %s", what)
			}
			was = g.Recoveries()
		}
		servers[0].set(after(rtt), nil)
		time.Sleep(10 * time.Second)
		changed("an answered probe")
		for range 10 {
			ask(t, g)
		}
		if g.Recoveries() != was {
			t.Error("a server that answers has recovered again")
		}
		there := servers[0].server.Addr.Addr()
		p.RouteChanged(func(addr netip.Addr) bool { return addr != there })
		if g.Recoveries() != was {
			t.Error("the route to another server has changed")
		}
		p.RouteChanged(func(addr netip.Addr) bool { return addr == there })
		changed("a route")
		p.Reset()
		changed("Reset")
	})
}

// What a server was sent before it failed it may have answered before, too.
func TestRecoveryIsByWhatWasSentAfterTheFailure(t *testing.T) {
	refused := errors.New("connection refused")
	for name, tt := range map[string]struct {
		fail func(p *peer, at time.Time)
		sent time.Duration // before or after that time
		want State
	}{
		"refused, and sent before":             {func(p *peer, at time.Time) { p.missed(refused, at, true) }, -time.Millisecond, Down},
		"refused, and sent after":              {func(p *peer, at time.Time) { p.missed(refused, at, true) }, time.Second, Good},
		"silent to a probe, and sent before":   {func(p *peer, at time.Time) { p.unproven(errTimedOut, at) }, -time.Millisecond, Down},
		"silent to a probe, which it answers":  {func(p *peer, at time.Time) { p.unproven(errTimedOut, at) }, 0, Good},
		"silent to a name, and then to probes": {func(p *peer, at time.Time) { p.unproven(errTimedOut, at); p.missed(errTimedOut, at, true) }, 0, Good},
		"silent without probes":                {func(p *peer, at time.Time) { p.missed(errTimedOut, at, false) }, -time.Millisecond, Down},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, servers, g := imagine(Config{}, after(rtt))
				peer := p.peers[servers[0].server]
				time.Sleep(time.Second)
				sent := time.Now()
				for range maxMisses {
					tt.fail(peer, sent)
				}
				was := g.Recoveries()
				time.Sleep(2 * time.Second)
				peer.answered(sent.Add(tt.sent), true)
				if got := peer.status().State; got != tt.want || (g.Recoveries() != was) != (tt.want == Good) {
					t.Errorf("it is %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// However long nothing answered, the first server that does is found out soon,
// also where nobody asks it.
func TestOutageEndsSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, servers, g := imagine(Config{}, after(lost), after(lost))
		defer run(t, p)()
		for range 20 {
			_, _ = g.Exchange(t.Context(), query("www.example."))
			time.Sleep(30 * time.Second)
		}
		was := g.Recoveries()
		servers[1].set(after(rtt), nil)
		time.Sleep(outageBackoff + probeLimit)
		if got := state(p, servers[1].server); got != Good || g.Recoveries() == was {
			t.Errorf("it is %v", got)
		}
	})
}

func TestFailureOfTransport(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		errTimedOut: true, errLooping: true, ErrBusy: true,
		message.ErrUnreadable: false, message.ErrMalformed: false, errCut: false,
	} {
		failure := &Failure{}
		failure.note(Plain(netip.MustParseAddrPort("192.0.2.1:53")), errTimedOut)
		failure.note(Plain(netip.MustParseAddrPort("192.0.2.2:53")), err)
		if failure.Transport() != want {
			t.Errorf("%v: of transport: %t", err, !want)
		}
	}
}
