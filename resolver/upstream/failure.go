package upstream

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/message"
	"github.com/nodedns/nodedns/resolver/internal/transport"
)

var (
	// ErrNoServers means that there is no server to query.
	ErrNoServers = errors.New("no upstream to ask")

	errOwn      = errors.New("it is a listener of ours, which would ask itself")
	errLooping  = errors.New("it asks us what we ask it")
	errTimedOut = errors.New("no answer in time")
	errCut      = errors.New("its answer is truncated over TCP too")
)

// truncated means that a server's reply did not fit UDP, and how it failed over TCP.
type truncated struct{ err error }

func (t truncated) Error() string {
	return "its answer is truncated, and over TCP: " + cause(t.err).Error()
}

func (t truncated) Unwrap() error { return t.err }

// serverError is why a server had no usable answer.
type serverError struct {
	server fmt.Stringer
	err    error
}

// Failure means that no server had a usable answer.
type Failure struct {
	attempts []serverError
}

// note records the result of a server. Of several attempts the last one counts.
func (f *Failure) note(server fmt.Stringer, err error) {
	for i := range f.attempts {
		if f.attempts[i].server == server {
			f.attempts[i].err = err
			return
		}
	}
	f.attempts = append(f.attempts, serverError{server, err})
}

// maxListed is how many servers an error names.
const maxListed = 3

// Error lists the results of the first servers.
func (f *Failure) Error() string {
	var b strings.Builder
	for i, a := range f.attempts {
		if i == maxListed {
			fmt.Fprintf(&b, "; and %d more", len(f.attempts)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%v: %v", a.server, cause(a.err))
	}
	return b.String()
}

// Unwrap returns why each server had no usable answer.
func (f *Failure) Unwrap() []error {
	errs := make([]error, len(f.attempts))
	for i, a := range f.attempts {
		errs[i] = a.err
	}
	return errs
}

// Overloaded reports whether a server was not queried because too many queries
// were in flight: that concerns us, and not the name.
func (f *Failure) Overloaded() bool {
	return errors.Is(f, ErrBusy) || errors.Is(f, transport.ErrBusy)
}

// Transport reports whether no server answered anything: that concerns the
// network or the servers, and not the name.
func (f *Failure) Transport() bool { return f.all(func(err error) bool { return !replied(err) }) }

// replied reports whether an error is about a reply, so that the server is alive.
func replied(err error) bool {
	return errors.Is(err, message.ErrUnreadable) || errors.Is(err, message.ErrMalformed) ||
		errors.Is(err, errCut) || errors.Is(err, errBare) || errors.As(err, new(truncated))
}

// cause leaves out what the net package adds: addresses that are named already,
// or that must not leak.
func cause(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) && !errors.As(err, new(truncated)) {
		return op.Err
	}
	return err // that of truncated has left it out
}

// Code is the extended error that describes the failure: 23, Network Error, if
// the network refused every attempt, 24, Invalid Data, if every answer was
// unusable, else 22, No Reachable Authority (RFC 8914, section 4).
func (f *Failure) Code() uint16 {
	unreachable := func(err error) bool { return errors.As(err, new(*net.OpError)) }
	unusable := func(err error) bool {
		return errors.Is(err, message.ErrUnreadable) || errors.Is(err, message.ErrMalformed) || errors.Is(err, errBare)
	}
	switch {
	case f.all(unreachable):
		return dns.ExtendedErrorCodeNetworkError
	case f.all(unusable):
		return dns.ExtendedErrorCodeInvalidData
	}
	return dns.ExtendedErrorCodeNoReachableAuthority
}

// all reports whether something is true of why each server had no answer.
func (f *Failure) all(is func(error) bool) bool {
	return !slices.ContainsFunc(f.attempts, func(a serverError) bool { return !is(a.err) })
}

// maxExtended bounds the extended errors taken from one reply.
const maxExtended = 4

// Extended are the extended errors of a reply.
func Extended(reply *dns.Msg) (extended []*dns.EDNS0_EDE) {
	opt := reply.IsEdns0()
	if opt == nil {
		return nil
	}
	for _, option := range opt.Option {
		if ede, ok := option.(*dns.EDNS0_EDE); ok && len(extended) < maxExtended {
			extended = append(extended, ede)
		}
	}
	return extended
}
