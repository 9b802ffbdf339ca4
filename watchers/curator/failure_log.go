package curator

import (
	"context"
	"log/slog"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxKinds bounds the kinds of failures that are kept apart between two
// connections, because their texts come from outside.
const maxKinds = 32

// failureLog logs a state that lasts once, however often there is an attempt to
// leave it. The zero value is ready.
type failureLog struct {
	// idled is the reason for being idle that was logged last.
	idled string
	// kinds of failures logged since the last connection or change of the plan.
	kinds map[string]bool
	// remarks on certificates that were logged last.
	remarks string
}

// renewed notes that the plan has changed, which makes every failure worth a line
// again.
func (l *failureLog) renewed() { l.kinds = nil }

func (l *failureLog) idle(log *slog.Logger, state State, detail string) {
	if l.idled == detail {
		return
	}
	l.idled = detail
	level := slog.LevelInfo
	if state == StateBadCredentials {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, "no connection to a curator", "state", string(state), "detail", detail)
}

func (l *failureLog) connected(log *slog.Logger, endpoint string, remarks []string) {
	l.idled, l.kinds = "", nil
	log.Info("connected to a curator", "endpoint", endpoint)
	remark := strings.Join(remarks, "; ")
	if remark != "" && remark != l.remarks {
		log.Warn("certificates outside their validity dates are in use", "remark", remark)
	}
	l.remarks = remark
}

// failed logs the loss of a stream always, which the delays between attempts
// keep rare, and an attempt that failed once for each kind.
func (l *failureLog) failed(log *slog.Logger, err *streamError, delivered bool) {
	kind := err.kind()
	switch {
	case unauthorized(err): // logged where it was decided
		log.Debug("no connection to a curator", "error", err)
	case delivered:
		log.Warn("lost the curator: its nodes are kept", "error", err)
	case l.kinds[kind] || len(l.kinds) >= maxKinds:
		log.Debug("no connection to a curator", "error", err)
	default:
		if l.kinds == nil {
			l.kinds = make(map[string]bool)
		}
		l.kinds[kind] = true
		level := slog.LevelWarn
		if status.Code(err) == codes.Unimplemented {
			level = slog.LevelInfo // of several curators all but one are followers
		}
		log.Log(context.Background(), level, "no connection to a curator; further attempts are logged when they fail differently", "error", err)
	}
}
