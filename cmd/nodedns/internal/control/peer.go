package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/httpserver"
	"github.com/nodedns/nodedns/internal/unixsocket"
)

// Why other users are refused.
var (
	errMayNotChange  = errors.New("only root, and the user that the daemon runs as, may change something; run this command as root")
	errMayNotMonitor = errors.New("only root, and the user that the daemon runs as, may see what others ask; run this command as root")
)

func mayChange(ctx context.Context) error  { return trusted(ctx, errMayNotChange) }
func mayMonitor(ctx context.Context) error { return trusted(ctx, errMayNotMonitor) }

// changing refuses requests of users that may not change anything, and passes
// others to serve.
func changing(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := mayChange(r.Context()); err != nil {
			reply(w, http.StatusForbidden, failure{err.Error()})
			return
		}
		serve(w, r)
	}
}

// trusted returns forbidden unless the peer of a request is root, or the user
// that the daemon runs as. The kernel reports who it is, as of when it
// connected.
func trusted(ctx context.Context, forbidden error) error {
	peer, err := unixsocket.PeerOf(httpserver.Conn(ctx))
	switch {
	case err != nil:
		return fmt.Errorf("find out who asks: %w", err)
	case !peer.Trusted():
		return forbidden
	}
	return nil
}
