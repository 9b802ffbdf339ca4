package memory

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/nodedns/nodedns/watchers/curator/internal/curatorpb"
)

// When the role changes all connections end, and the port refuses others until
// the curator serves again, at the same address. The port is not given to another
// socket meanwhile.
func TestRoleChangeClosesThePort(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"port of the kernel": "127.0.0.1:0",
		"given port":         freePort(t, "127.0.0.1:0"),
		"any address":        freePort(t, ":0"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Server{Directory: &Directory{}, Restart: time.Hour}
			l, stop := serveTCP(t, s, address)
			old, err := net.Dial("tcp", l)
			must(t, err)
			defer old.Close()
			read(t, old) // the server has accepted it

			s.Behave(Behaviour{Follower: true})
			for err = nil; err == nil; _, err = old.Read(make([]byte, 100)) {
			}
			awaitRefusal(t, l)
			// The kernel chooses ports by the same rule.
			if other, err := (&net.ListenConfig{Control: withoutReuse}).Listen(t.Context(), "tcp", l); err == nil {
				other.Close()
				t.Error("another socket got the port")
			}
			stop() // does not wait for the hour
		})
	}
}

// After that it serves in its new role.
func TestServesAgainAfterARoleChange(t *testing.T) {
	t.Parallel()
	s := &Server{Directory: &Directory{}, Restart: time.Millisecond}
	s.Directory.Set(Node{ID: "a"})
	address, _ := serveTCP(t, s, "127.0.0.1:0")
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	defer conn.Close()
	client := curatorpb.NewCuratorClient(conn)
	for range 5 {
		s.Behave(Behaviour{Follower: true})
		s.Behave(Behaviour{})
		_, first, err := rewatch(t, client)
		if must(t, err); text(first) != "a= |" {
			t.Errorf("received %q", text(first))
		}
	}
}

// A behaviour that is no other role leaves connections open.
func TestBehaviourOfTheSameRole(t *testing.T) {
	t.Parallel()
	s := &Server{Directory: &Directory{}, Restart: time.Hour}
	address, _ := serveTCP(t, s, "127.0.0.1:0")
	conn, err := net.Dial("tcp", address)
	must(t, err)
	defer conn.Close()
	read(t, conn)
	s.Behave(Behaviour{NoMarker: true})
	again, err := net.Dial("tcp", address)
	must(t, err)
	defer again.Close()
	read(t, again)
}

func withoutReuse(_, _ string, raw syscall.RawConn) error {
	var result error
	err := raw.Control(func(fd uintptr) { result = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 0) })
	return errors.Join(err, result)
}

func serveTCP(t *testing.T, s *Server, address string) (string, func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	stop := func() {
		cancel()
		if ended != nil {
			must(t, <-ended)
			ended = nil
		}
	}
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// read waits for the settings frame that a server sends first.
func read(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := conn.Read(make([]byte, 9))
	must(t, err)
}

func awaitRefusal(t *testing.T, address string) {
	t.Helper()
	for t.Context().Err() == nil {
		conn, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			conn.Close()
		}
		time.Sleep(time.Millisecond)
	}
}

// freePort is the address with a port at which nothing listens.
func freePort(t *testing.T, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}
