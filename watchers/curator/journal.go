package curator

import (
	"context"
	"log/slog"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// maxKinds bounds the kinds of failures that are told apart between two
// connections, because their texts are chosen by others.
const maxKinds = 32

// journal writes the log so that a state which lasts costs one line, however
// often there is an attempt to leave it. The zero value is ready.
type journal struct {
	// idled is the reason for being idle that was logged last.
	idled string
	// kinds of failures logged since the last connection or change of the way there.
	kinds map[string]bool
	// remarks are what was said of certificates last.
	remarks string
}

// renewed tells that something about the way to the curator has changed, which
// makes every failure worth a line again.
func (j *journal) renewed() { j.kinds = nil }

func (j *journal) idle(log *slog.Logger, state State, detail string) {
	if j.idled == detail {
		return
	}
	j.idled = detail
	level := slog.LevelInfo
	if state == StateBadCredentials {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, "no connection to a curator", "state", string(state), "detail", detail)
}

func (j *journal) connected(log *slog.Logger, endpoint string, remarks []string) {
	j.idled, j.kinds = "", nil
	log.Info("connected to a curator", "endpoint", endpoint)
	remark := strings.Join(remarks, "; ")
	if remark != "" && remark != j.remarks {
		log.Warn("certificates outside their validity dates are in use", "remark", remark)
	}
	j.remarks = remark
}

// failed logs the loss of a stream always, which the delays between attempts
// keep rare, and an attempt that failed once for each kind.
func (j *journal) failed(log *slog.Logger, err *streamError, delivered bool) {
	kind := err.kind()
	switch {
	case unauthorized(err): // logged where it was decided
		log.Debug("no connection to a curator", "error", err)
	case delivered:
		log.Warn("lost the curator: its nodes are kept", "error", err)
	case j.kinds[kind] || len(j.kinds) >= maxKinds:
		log.Debug("no connection to a curator", "error", err)
	default:
		if j.kinds == nil {
			j.kinds = make(map[string]bool)
		}
		j.kinds[kind] = true
		level := slog.LevelWarn
		if status.Code(err) == codes.Unimplemented {
			level = slog.LevelInfo // of several curators all but one are followers
		}
		log.Log(context.Background(), level, "no connection to a curator; further attempts are logged when they fail differently", "error", err)
	}
}
