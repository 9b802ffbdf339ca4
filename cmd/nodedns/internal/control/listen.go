package control

import (
	"errors"
	"fmt"

	"github.com/nodedns/nodedns/internal/unixsocket"
)

// ErrInUse means that another daemon serves the socket.
var ErrInUse = errors.New("another nodedns daemon is running")

// Listen makes the socket, and its directory if that is missing. The socket of
// a killed daemon is replaced. Where a daemon is alive the error is [ErrInUse]:
// two of them would fight over the same files.
//
// Unlock lets another daemon start. It is to be called after Close, when this
// one writes nothing any more.
func Listen(path string) (*unixsocket.Listener, error) {
	const everybody = 0o666
	l, err := unixsocket.Listen(path, everybody)
	switch {
	case errors.Is(err, unixsocket.ErrInUse):
		return nil, fmt.Errorf("%w: %w; stop it, or give this one another control.socket and other files", ErrInUse, err)
	case err != nil:
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return l, nil
}
