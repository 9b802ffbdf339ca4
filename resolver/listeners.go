package resolver

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nodedns/nodedns/resolver/listen"
)

// listeners are the sockets that a Server has over time, and the counts of
// those that were closed.
//
// A bound address must not be asked as an upstream, so changed is called while
// mu is held: it may lock Server.mu, and code that holds Server.mu may only
// read the addresses here.
type listeners struct {
	changed func()                           // after other addresses are bound
	bound   atomic.Pointer[[]netip.AddrPort] // empty before Listen

	mu      sync.Mutex
	want    []netip.AddrPort
	over    listen.Handover
	sockets *listen.Sockets // bound; nil: none
	running bool            // Run serves them
	drops   uint64          // of the sockets that were closed
	refused uint64          // TCP connections, of those sockets
}

// Addrs are the addresses that are bound, with the ports that port 0 became.
// There are none before Listen.
func (l *listeners) Addrs() []netip.AddrPort { return slices.Clone(*l.bound.Load()) }

// Listeners is the status of each of Config.Listen. There are none while no
// sockets are open.
func (l *listeners) Listeners() []listen.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sockets == nil {
		return []listen.Status{}
	}
	return l.sockets.Listeners()
}

// Progress is how far the UDP loops of the listeners have got. It is empty
// while no sockets are open.
func (l *listeners) Progress() listen.Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sockets == nil {
		return listen.Progress{}
	}
	return l.sockets.Progress()
}

// Close closes what Listen bound and no Run serves. A Run is ended by its
// context.
func (l *listeners) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sockets == nil || l.running {
		return nil
	}
	err := l.sockets.Close()
	l.forget()
	return err
}

// bind opens the sockets, unless they are open. With run they are served from
// then on, until release.
func (l *listeners) bind(run bool) (*listen.Sockets, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sockets == nil {
		sockets, err := l.over.Bind(l.want)
		if err != nil {
			return nil, err
		}
		l.sockets = sockets
		l.note()
	}
	l.running = l.running || run
	return l.sockets, nil
}

// release forgets the sockets that were served, which are closed.
func (l *listeners) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
	l.forget()
}

// note records the addresses that are bound now. The caller holds mu.
func (l *listeners) note() {
	for i, status := range l.sockets.Listeners() {
		l.want[i] = status.Addr // another bind, after a failure, gets the same ports
	}
	bound := l.sockets.Addrs()
	l.bound.Store(&bound)
	l.changed()
}

// refresh records the bound addresses after a socket was bound or closed.
func (l *listeners) refresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note()
}

// forget releases sockets that are closed, and keeps their counts. The
// caller holds mu.
func (l *listeners) forget() {
	l.drops += l.sockets.Dropped()
	l.refused += l.sockets.Connections().Refused
	l.sockets = nil
}

// receiveDrops is what the kernel dropped on all sockets there were.
func (l *listeners) receiveDrops() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sockets == nil {
		return l.drops
	}
	return l.drops + l.sockets.Dropped()
}

// connections are those over TCP, with what was refused on all sockets there
// were.
func (l *listeners) connections() listen.Connections {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sockets == nil {
		return listen.Connections{Refused: l.refused}
	}
	now := l.sockets.Connections()
	now.Refused += l.refused
	return now
}
