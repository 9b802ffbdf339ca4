package control

import (
	"context"
	"errors"
	"fmt"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/endpoint"
	"github.com/nodedns/nodedns/resolver/localsocket"
)

// errForbidden says that the peer may only look.
var errForbidden = errors.New("only root, and the user that the daemon runs as, may change something; run this command as root")

// mayChange returns errForbidden unless the peer of a request may change
// something. The kernel tells who it is, as of when it connected.
func mayChange(ctx context.Context) error {
	peer, err := localsocket.PeerOf(endpoint.Conn(ctx))
	switch {
	case err != nil:
		return fmt.Errorf("find out who asks: %w", err)
	case !peer.Trusted():
		return errForbidden
	}
	return nil
}
