package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/endpoint"
)

// Why other users are turned down.
var (
	errMayNotChange  = errors.New("only root, and the user that the daemon runs as, may change something; run this command as root")
	errMayNotMonitor = errors.New("only root, and the user that the daemon runs as, may see what others ask; run this command as root")
)

func mayChange(ctx context.Context) error  { return trusted(ctx, errMayNotChange) }
func mayMonitor(ctx context.Context) error { return trusted(ctx, errMayNotMonitor) }

// trusted returns forbidden unless the peer of a request is root, or the user
// that the daemon runs as. The kernel tells who it is, as of when it connected.
func trusted(ctx context.Context, forbidden error) error {
	uid, err := peer(endpoint.Conn(ctx))
	switch {
	case err != nil:
		return fmt.Errorf("find out who asks: %w", err)
	case uid != 0 && int(uid) != os.Geteuid():
		return forbidden
	}
	return nil
}

// peer is the user at the other end of a socket.
func peer(conn net.Conn) (uid uint32, err error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, errors.New("not a UNIX socket")
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return credentials.Uid, nil
}
