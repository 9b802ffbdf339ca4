package varlink

import (
	"fmt"
	"maps"
)

// Error is an error as sent to clients. Those with the same ID are equal to
// [errors.Is].
type Error struct {
	ID         string
	Parameters any // nil: none
}

// Error returns the ID, and its parameters.
func (e *Error) Error() string {
	if e.Parameters == nil {
		return e.ID
	}
	return fmt.Sprintf("%s %v", e.ID, e.Parameters)
}

// Is reports whether the target is an Error of the same ID.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.ID == e.ID
}

// Because is the error with an extended DNS error (RFC 8914) as its reason.
func (e *Error) Because(code uint16, text string) *Error {
	parameters := map[string]any{"extendedDNSErrorCode": code}
	if own, ok := e.Parameters.(map[string]any); ok {
		maps.Copy(parameters, own)
	}
	if text != "" {
		parameters["extendedDNSErrorMessage"] = text
	}
	return &Error{e.ID, parameters}
}

// The errors of io.systemd.Resolve that are used here. For nss-resolve those of
// the first group mean to try again later, and all others that there is no such
// name.
var (
	ErrNetworkDown        = &Error{ID: "io.systemd.Resolve.NetworkDown"}
	ErrNoNameServers      = &Error{ID: "io.systemd.Resolve.NoNameServers"}
	ErrMaxAttemptsReached = &Error{ID: "io.systemd.Resolve.MaxAttemptsReached"}

	ErrNameError            = &Error{ID: "io.systemd.Resolve.DNSError", Parameters: map[string]any{"rcode": 3}}
	ErrNoSuchResourceRecord = &Error{ID: "io.systemd.Resolve.NoSuchResourceRecord"}
	ErrCNAMELoop            = &Error{ID: "io.systemd.Resolve.CNAMELoop"}
	ErrNoSource             = &Error{ID: "io.systemd.Resolve.NoSource"}
	ErrBadAddressSize       = &Error{ID: "io.systemd.Resolve.BadAddressSize"}
)

// ErrPermissionDenied is the error of org.varlink.service for a client that may not call a
// method.
var ErrPermissionDenied = &Error{ID: "org.varlink.service.PermissionDenied"}

// errExpectedMore is for a call that has many replies, from a client that wants one.
var errExpectedMore = &Error{ID: "org.varlink.service.ExpectedMore"}

// ErrInvalidParameter is the error for a parameter of a call that is wrong.
func ErrInvalidParameter(name string) *Error {
	return &Error{"org.varlink.service.InvalidParameter", map[string]string{"parameter": name}}
}

func errInterfaceNotFound(name string) *Error {
	return &Error{"org.varlink.service.InterfaceNotFound", map[string]string{"interface": name}}
}

func errMethodNotFound(name string) *Error {
	return &Error{"org.varlink.service.MethodNotFound", map[string]string{"method": name}}
}

// ErrTooManyWatchers is our own: the Monitor interface has no error.
var ErrTooManyWatchers = &Error{ID: "org.nodedns.TooManyWatchers"}

// errDisconnected is counted for a call whose client got no reply, or not all of
// them. It has its name from systemd, whose library uses it internally.
var errDisconnected = &Error{ID: "io.systemd.Disconnected"}
