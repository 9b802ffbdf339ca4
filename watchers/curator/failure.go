package curator

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

// streamError is why there is no stream, worded for users.
type streamError struct {
	endpoint string // empty with a dialer
	err      error
}

func (e *streamError) Unwrap() error { return e.err }

func (e *streamError) Error() string {
	where := "curator " + e.endpoint
	if e.endpoint == "" {
		where = "curator by dialer"
	}
	return where + ": " + wordFailure(e.err)
}

// wordFailure describes, in one line, why an exchange with a curator failed.
func wordFailure(err error) string {
	st, isStatus := status.FromError(err)
	switch {
	case errors.Is(err, io.EOF):
		return "the curator ended the stream"
	case !isStatus:
		return err.Error()
	case st.Code() == codes.Unimplemented:
		return "not the leader, it answers Unimplemented"
	case st.Code() == codes.PermissionDenied || st.Code() == codes.Unauthenticated:
		return fmt.Sprintf("it refuses this node (%s: %s): is the node still a member?", st.Code(), clip(st.Message()))
	default:
		return fmt.Sprintf("%s: %s", st.Code(), clip(st.Message()))
	}
}

// failedState is the state after a round in which no curator delivered a stream.
// A curator that was reached, and rejects us or is rejected by us, counts more
// than others that are out of reach.
func failedState(err error) State {
	all, ok := err.(failures)
	if !ok {
		all = failures{err}
	}
	switch {
	case slices.ContainsFunc(all, refused):
		return StateRefused
	case slices.ContainsFunc(all, unauthorized):
		return StateUnauthorized
	}
	return StateBackingOff
}

// unauthorized reports whether err is of a node that may not speak for its cluster.
func unauthorized(err error) bool {
	_, is := errors.AsType[*UnauthorizedError](err)
	return is
}

func refused(err error) bool {
	_, byUs := errors.AsType[*nodetls.PeerError](err)
	_, byAlert := errors.AsType[*refusedError](err)
	code := status.Code(err)
	return byUs || byAlert || code == codes.PermissionDenied || code == codes.Unauthenticated
}

// kind groups failures that are the same for a reader of the log, though their
// texts may differ by port numbers and the like.
func (e *streamError) kind() string {
	what := e.err.Error()
	if peerErr, ok := errors.AsType[*nodetls.PeerError](e.err); ok {
		what = string(peerErr.Rule)
	} else if unauthorized, ok := errors.AsType[*UnauthorizedError](e.err); ok {
		what = string(unauthorized.Reason) + string(unauthorized.ID)
	} else if errno, ok := errors.AsType[syscall.Errno](e.err); ok {
		what = errno.Error()
	} else if st, ok := status.FromError(e.err); ok {
		what = st.Code().String()
	}
	return e.endpoint + " " + what
}

// failures are several reasons that count together. In contrast to errors.Join
// they make one line.
type failures []error

func (f failures) Unwrap() []error { return f }

func (f failures) Error() string {
	texts := make([]string, len(f))
	for i, err := range f {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// clip makes text from outside fit on one line.
func clip(text string) string {
	const limit = 300
	if len(text) > limit {
		text = text[:limit] + "…"
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
}
