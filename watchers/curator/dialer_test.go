package curator

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/nodedns/nodedns/watchers/curator/memory"
)

// embedded is a curator in this process, and the dialer that leads to it.
type embedded struct {
	*memory.Server
	listener *bufconn.Listener

	mu    sync.Mutex
	conns []*grpc.ClientConn
}

func newEmbedded(t *testing.T, nodes ...memory.Node) *embedded {
	t.Helper()
	e := &embedded{Server: newServer(t, nil, nodes...), listener: bufconn.Listen(1 << 16)}
	background(t, func(ctx context.Context) error { return e.Serve(ctx, e.listener) })
	return e
}

func (e *embedded) dial(context.Context) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///embedded",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return e.listener.DialContext(ctx)
		}))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conns = append(e.conns, conn)
	return conn, err
}

// open counts the connections that were dialled and not closed.
func (e *embedded) open() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, conn := range e.conns {
		if conn.GetState() != connectivity.Shutdown {
			n++
		}
	}
	return n
}

func TestDialerSetReplacedRemoved(t *testing.T) {
	t.Parallel()
	nodes, _ := sample(2)
	first, second := newEmbedded(t, nodes[0]), newEmbedded(t, nodes[1])
	w, r, _ := watch(t, Config{})
	awaitStatus(t, w, "running", func(s Status) bool { return s.Detail != "not running" })

	w.SetDialer(first.dial)
	r.awaitCall(t, "complete", 1)
	if r.addresses()[nodes[0].ID] == "" || r.count("cluster") != 0 {
		t.Errorf("told %s", r.story())
	}
	w.SetDialer(second.dial)
	r.awaitCall(t, "complete", 2)
	if r.addresses()[nodes[1].ID] == "" || first.open() != 0 {
		t.Errorf("told %s, %d connections left open", r.story(), first.open())
	}
	w.SetDialer(nil)
	awaitState(t, w, StateOff)
	if r.count("connected false") != 2 || second.open() != 0 {
		t.Errorf("told %s, %d connections left open", r.story(), second.open())
	}
	w.SetDialer(nil) // no change
	w.SetDialer(first.dial)
	r.awaitCall(t, "complete", 3)
	if status := w.Status(); status.Failures != 0 || status.Endpoint != "" {
		t.Errorf("status %+v", status)
	}
}

// A dialer wins over endpoints, which are used again when it is taken away.
// What happens to them meanwhile does not disturb its stream.
func TestDialerWinsOverEndpoints(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newServer(t, nil))
	e := newEmbedded(t)
	w, r, _ := watch(t, Config{Endpoints: []string{closedPort(t)}, Insecure: true, Dialer: e.dial})
	r.awaitCall(t, "complete", 1)
	must(t, w.SetEndpoints([]string{address}))
	w.SetDialer(nil)
	r.awaitCall(t, "complete", 2)
	if status := awaitState(t, w, StateConnected); status.Endpoint != address || status.Attempts != 2 {
		t.Errorf("status %+v, want the second attempt at %s", status, address)
	}
}

func TestDialerFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dial Dialer
		says string
	}{
		"error":   {func(context.Context) (*grpc.ClientConn, error) { return nil, errors.New("no leader yet") }, "no leader yet"},
		"nothing": {func(context.Context) (*grpc.ClientConn, error) { return nil, nil }, "neither a connection nor an error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r, _ := watch(t, Config{Dialer: test.dial})
			status := awaitState(t, w, StateBackingOff)
			if !strings.Contains(status.Detail, test.says) || r.story() != "" {
				t.Errorf("detail %q, told %q", status.Detail, r.story())
			}
			e := newEmbedded(t)
			w.SetDialer(e.dial)
			r.awaitCall(t, "complete", 1)
		})
	}
}

// A dialer that hangs is given up when it is replaced.
func TestDialerHangs(t *testing.T) {
	t.Parallel()
	dialling := make(chan struct{})
	w, r, _ := watch(t, Config{Dialer: func(ctx context.Context) (*grpc.ClientConn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	select {
	case <-dialling:
	case <-time.After(patience):
		t.Fatal("the dialer was not called")
	}
	e := newEmbedded(t)
	w.SetDialer(e.dial)
	r.awaitCall(t, "complete", 1)
}

// Another cluster is recognised by its CA, which the dialer alone knows.
func TestDialerToAnotherCluster(t *testing.T) {
	t.Parallel()
	nodes, _ := sample(1)
	w, r, _ := watch(t, Config{})
	told := map[string]bool{}
	for i := range 2 {
		cluster := newCluster(t)
		own, err := cluster.NewNode()
		must(t, err)
		address, _ := serve(t, newServer(t, cluster, nodes...))
		w.SetDialer(func(context.Context) (*grpc.ClientConn, error) {
			return grpc.NewClient("passthrough:///"+address,
				grpc.WithTransportCredentials(credentials.NewTLS(own.ClientConfig(prefix, nil))))
		})
		r.awaitCall(t, "complete", i+1)
		r.mu.Lock()
		told[r.cluster] = true
		r.mu.Unlock()
	}
	if len(told) != 2 || told[""] {
		t.Errorf("two clusters were told as %v", told)
	}
}

// One cluster has one name, whether the credentials' files or the dialer lead to
// it: what is known of it is not dropped when one takes the other's place.
func TestDialerToTheSameCluster(t *testing.T) {
	t.Parallel()
	cluster, me := newCluster(t), newMember(t)
	me.enrol(t, cluster)
	own, err := cluster.NewNode()
	must(t, err)
	address, _ := serve(t, newServer(t, cluster, me.node()))
	w, r, _ := watch(t, Config{Endpoints: []string{address}, Credentials: me.dir, LocalID: me.id})
	r.awaitCall(t, "complete", 1)
	named := func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.cluster
	}
	before := named()
	w.SetDialer(func(context.Context) (*grpc.ClientConn, error) {
		return grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(credentials.NewTLS(own.ClientConfig(prefix, nil))))
	})
	r.awaitCall(t, "complete", 2)
	if got := named(); got != before || before == "" {
		t.Errorf("the cluster is %q by its files and %q by the dialer", before, got)
	}
}
