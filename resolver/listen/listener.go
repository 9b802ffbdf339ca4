package listen

import (
	"errors"
	"net/netip"
	"sync"
)

// State is the state of a listener.
type State string

// The states of a listener.
const (
	Listening State = "listening"
	Waiting   State = "waiting" // for its address, which this machine does not have
	Failed    State = "failed"  // the address is there, and cannot be used
)

// Status is the status of a listener at one moment.
type Status struct {
	Addr  netip.AddrPort `json:"address"`
	State State          `json:"state"`
	Error string         `json:"error"` // why it does not listen, or empty
}

// listener is an address to listen on, and its sockets while they are bound.
type listener struct {
	loops    int // UDP sockets to open
	handover *Handover

	mu      sync.Mutex
	addr    netip.AddrPort // with the port chosen for port 0
	pair    *pair          // bound; nil: none
	state   State
	err     error      // for people
	bindErr *bindError // of the last attempt
	lost    uint64     // UDP messages, by the sockets that were closed
}

// alwaysAssigned reports whether a machine always has the address: not even turning the
// loopback interface off takes those of IPv4 away.
func (l *listener) alwaysAssigned() bool {
	addr := l.status().Addr.Addr()
	return addr.Is4() && (addr.IsLoopback() || addr.IsUnspecified())
}

func (l *listener) status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	status := Status{Addr: l.addr, State: l.state}
	if l.err != nil {
		status.Error = l.err.Error()
	}
	return status
}

func (l *listener) bound() *pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pair
}

// bind binds the address if it can be, to inherited sockets if there are any, and reports whether the result is new:
// an error like the last one is not. Finding the process that has an address in
// use is expensive, so it is done for new results only.
func (l *listener) bind(from *inherited) (news bool) {
	want := l.status().Addr
	p, refused := openPair(want, l.loops, from)
	switch {
	case refused == nil:
		l.loops = max(l.loops, len(p.udp))
		want = netip.AddrPortFrom(want.Addr(), p.addr.Port())
		l.set(want, p, Listening, nil, nil)
	case l.failedAlike(refused):
		return false
	case absent(refused) && !l.alwaysAssigned():
		l.set(want, nil, Waiting, missing(want.Addr(), refused), refused)
	default:
		l.set(want, nil, Failed, describeBindError(refused.network, refused.addr, refused.cause), refused)
	}
	return true
}

func (l *listener) set(addr netip.AddrPort, p *pair, state State, err error, refused *bindError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addr, l.pair, l.state, l.err, l.bindErr = addr, p, state, err, refused
}

func (l *listener) failedAlike(r *bindError) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bindErr != nil && l.bindErr.Error() == r.Error()
}

// errGone stands in until the reason is looked up.
var errGone = errors.New("the address has gone")

// closed drops sockets that were closed: because of the error or, with none,
// because the address has gone.
func (l *listener) closed(err error) {
	state := Failed
	if err == nil {
		state, err = Waiting, errGone
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost += l.pair.dropped()
	l.pair, l.state, l.err, l.bindErr = nil, state, err, nil
}

// dropped returns how many UDP messages the kernel dropped.
func (l *listener) dropped() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pair == nil {
		return l.lost
	}
	return l.lost + l.pair.dropped()
}
