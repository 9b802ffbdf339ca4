package curator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/test/bufconn"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
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

func (e *embedded) dial(context.Context) (grpc.ClientConnInterface, func() error, error) {
	conn, err := grpc.NewClient("passthrough:///embedded",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return e.listener.DialContext(ctx)
		}))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conns = append(e.conns, conn)
	return conn, conn.Close, err
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
		t.Errorf("got %s", r.story())
	}
	w.SetDialer(second.dial)
	r.awaitCall(t, "complete", 2)
	if r.addresses()[nodes[1].ID] == "" || first.open() != 0 {
		t.Errorf("got %s, %d connections left open", r.story(), first.open())
	}
	w.SetDialer(nil)
	awaitState(t, w, StateOff)
	if r.count("connected false") != 2 || second.open() != 0 {
		t.Errorf("got %s, %d connections left open", r.story(), second.open())
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
	w, r, _ := watch(t, Config{Endpoints: endpointsAt(closedPort(t)), Insecure: true, Dialer: e.dial})
	r.awaitCall(t, "complete", 1)
	must(t, w.SetEndpoints(endpointsAt(address)))
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
		"error": {func(context.Context) (grpc.ClientConnInterface, func() error, error) {
			return nil, nil, errors.New("no leader yet")
		}, "no leader yet"},
		"nothing": {func(context.Context) (grpc.ClientConnInterface, func() error, error) { return nil, nil, nil }, "neither a connection nor an error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r, _ := watch(t, Config{Dialer: test.dial})
			status := awaitState(t, w, StateBackingOff)
			if !strings.Contains(status.Detail, test.says) || r.story() != "" {
				t.Errorf("detail %q, got %q", status.Detail, r.story())
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
	w, r, _ := watch(t, Config{Dialer: func(ctx context.Context) (grpc.ClientConnInterface, func() error, error) {
		close(dialling)
		<-ctx.Done()
		return nil, nil, ctx.Err()
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
		w.SetDialer(dialAs(own, address))
		r.awaitCall(t, "complete", i+1)
		r.mu.Lock()
		told[r.cluster] = true
		r.mu.Unlock()
	}
	if len(told) != 2 || told[""] {
		t.Errorf("two clusters were told as %v", told)
	}
}

// A curator that refuses us is reported as such, be the connection for one stream or
// the embedder's own.
func TestDialedCuratorRefuses(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"for one stream": false, "shared": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster := newCluster(t)
			own, err := cluster.NewNode()
			must(t, err)
			s := newServer(t, cluster)
			s.Prefix = "another-" // of our certificate
			address, _ := serve(t, s)
			dial := dialAs(own, address)
			if shared {
				conn, release, err := dial(t.Context())
				must(t, err)
				t.Cleanup(func() { must(t, release()) })
				dial = func(context.Context) (grpc.ClientConnInterface, func() error, error) { return conn, nil, nil }
			}
			w, r, _ := watch(t, Config{Dialer: dial})
			status := awaitState(t, w, StateRefused)
			const says = "curator by dialer: it refuses this node (Unauthenticated"
			if !strings.Contains(status.Detail, says) || status.Rejected != StateRefused || !strings.Contains(status.RejectedDetail, says) {
				t.Errorf("status %+v, want %q in it", status, says)
			}
			if r.count("connected true") != 0 {
				t.Errorf("got %q", r.story())
			}
		})
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
	w, r, _ := watch(t, Config{Endpoints: endpointsAt(address), Credentials: me.dir, LocalID: me.id})
	r.awaitCall(t, "complete", 1)
	named := func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.cluster
	}
	before := named()
	w.SetDialer(dialAs(own, address))
	r.awaitCall(t, "complete", 2)
	if got := named(); got != before || before == "" {
		t.Errorf("the cluster is %q by its files and %q by the dialer", before, got)
	}
}

// dialAs dials an address with the credentials of a node.
func dialAs(own *nodetls.Credentials, address string) Dialer {
	return func(context.Context) (grpc.ClientConnInterface, func() error, error) {
		conn, err := grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(credentials.NewTLS(own.ClientConfig(prefix, nil))))
		return conn, conn.Close, err
	}
}

// resolved is two curators in memory, and a connection that stays the embedder's:
// its resolver decides which of them it leads to.
type resolved struct {
	servers  [2]*memory.Server
	stops    [2]func()
	resolver *manual.Resolver
	conn     *grpc.ClientConn
}

func newResolved(t *testing.T) *resolved {
	t.Helper()
	f := &resolved{resolver: manual.NewBuilderWithScheme("leader")}
	listeners := map[string]*bufconn.Listener{}
	for i := range f.servers {
		f.servers[i] = newServer(t, nil, memory.Node{ID: nodeID(1), Address: "192.0.2.1"})
		l := bufconn.Listen(1 << 16)
		listeners[fmt.Sprint(i)] = l
		f.stops[i] = background(t, func(ctx context.Context) error { return f.servers[i].Serve(ctx, l) })
	}
	f.lead(0)
	conn, err := grpc.NewClient("leader:///", grpc.WithResolvers(f.resolver),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return listeners[address].DialContext(ctx)
		}))
	must(t, err)
	f.conn = conn
	t.Cleanup(func() { must(t, conn.Close()) })
	return f
}

// lead has the resolver name a curator.
func (f *resolved) lead(i int) {
	state := resolver.State{Addresses: []resolver.Address{{Addr: fmt.Sprint(i)}}}
	if f.conn == nil {
		f.resolver.InitialState(state)
	} else {
		f.resolver.UpdateState(state)
	}
}

func (f *resolved) dial(context.Context) (grpc.ClientConnInterface, func() error, error) {
	return f.conn, nil, nil
}

// A shared connection follows its resolver: after the leader died, and however long
// it takes until there is another one, its backlog comes with the next attempt.
func TestSharedConnectionFollowsItsResolver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end      func(f *resolved) // of the first leader
		outage   time.Duration
		attempts uint64 // from the outage to its end at most
	}{
		"dead, replaced at once":   {func(f *resolved) { f.stops[0]() }, 0, 1},
		"dead, replaced later":     {func(f *resolved) { f.stops[0]() }, time.Minute, 15},
		"a follower, for a moment": {func(f *resolved) { f.servers[0].Behave(memory.Behaviour{Follower: true}) }, 0, 2},
		"a follower, for a while":  {func(f *resolved) { f.servers[0].Behave(memory.Behaviour{Follower: true}) }, time.Minute, 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newResolved(t)
				w, r, stop := watch(t, Config{Dialer: f.dial})
				defer stop()
				r.awaitCall(t, "complete", 1)
				time.Sleep(time.Minute)
				test.end(f)
				time.Sleep(test.outage)
				before := w.Status()
				f.lead(1)
				began := time.Now()
				r.awaitCall(t, "complete", 2)
				t.Logf("on the new leader after %v", time.Since(began))
				if n := w.Status().Attempts - before.Attempts; n > 1 {
					t.Errorf("%d attempts after the resolver named the new leader, want at most 1", n)
				}
				if n := before.Attempts - 1; n > test.attempts {
					t.Errorf("%d attempts during the outage, want at most %d", n, test.attempts)
				}
				if f.conn.GetState() == connectivity.Shutdown {
					t.Error("the embedder's connection was closed")
				}
			})
		})
	}
}

// While a shared connection cannot be established the status reports why.
func TestSharedConnectionIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newResolved(t)
		f.stops[0]()
		w, r, stop := watch(t, Config{Dialer: f.dial})
		defer stop()
		status := awaitState(t, w, StateBackingOff)
		if want := "the connection is not ready"; !strings.Contains(status.Detail, want) || r.story() != "" {
			t.Errorf("detail %q, want %q in it; got %q", status.Detail, want, r.story())
		}
		t.Log(status.Detail)
	})
}
