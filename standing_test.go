package nodedns

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/nodedns/nodedns/internal/boottime"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

// assessed waits until the service is in a state for these reasons alone, and
// returns that status.
func (f *fixture) assessed(state string, codes ...string) Status {
	f.t.Helper()
	var s Status
	f.eventually(fmt.Sprintf("the state %s for %q", state, codes), func() bool {
		s = f.Status()
		return s.State == state && slices.Equal(s.Verdict.Codes(), codes) &&
			s.Verdict.Healthy == (state == StateReady) && len(s.Errors) == len(codes)
	})
	return s
}

// enrolled is a service with a key of its own, and a curator of a cluster that
// it is configured for.
type enrolled struct {
	*fixture
	key       ed25519.PrivateKey
	cluster   *memory.Cluster
	directory string // of the credentials
	after     atomic.Int64
}

// newEnrolled runs a service whose credentials are yet to be written. Its
// CLOCK_BOOTTIME is ahead by what "after" holds.
func newEnrolled(t *testing.T) *enrolled {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e := &enrolled{key: key, cluster: newAuthority(t), directory: filepath.Join(t.TempDir(), "credentials")}
	own, err := e.cluster.NewNode()
	if err != nil {
		t.Fatal(err)
	}
	id := zone.DefaultPrefix.FromPublicKey(key.Public().(ed25519.PublicKey))
	nodes := &memory.Directory{}
	nodes.Set(memory.Node{ID: string(id), Address: "192.0.2.1"}, memory.Node{ID: other, Address: "192.0.2.2"})
	server := &memory.Server{Directory: nodes, Credentials: own, Prefix: zone.DefaultPrefix}
	server.Join("", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	background(t, func(ctx context.Context) {
		if err := server.Serve(ctx, listener); err != nil {
			t.Error(err)
		}
	})
	e.fixture = start(t, func(c *Config) {
		c.PublicKey = key.Public().(ed25519.PublicKey)
		c.Endpoints, c.Credentials = endpoints(listener.Addr().String()), e.directory
		c.clock = func() time.Duration { return boottime.Now() + time.Duration(e.after.Load()) }
	})
	e.publish("192.0.2.1")
	return e
}

// enrol writes the credentials that a cluster gives the node.
func (e *enrolled) enrol(c *memory.Cluster) {
	e.t.Helper()
	if err := c.WriteCredentials(e.directory, e.key.Public().(ed25519.PublicKey), e.key); err != nil {
		e.t.Fatal(err)
	}
}

// A node that is being enrolled waits, and is ready when it is; what spoils its
// credentials shows at once.
func TestVerdictOnAnEnrolment(t *testing.T) {
	t.Parallel()
	e := newEnrolled(t)
	e.assessed(StateWaiting, verdict.AwaitingCredentials)
	e.after.Store(int64(2 * zone.LostAfter)) // it may wait for long
	e.assessed(StateWaiting, verdict.AwaitingCredentials)
	e.enrol(e.cluster)
	e.assessed(StateReady)
	if err := os.WriteFile(filepath.Join(e.directory, nodetls.CertFile), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.assessed(StateDegraded, verdict.BadCredentials)
	e.enrol(e.cluster)
	e.assessed(StateReady)
	if err := os.RemoveAll(e.directory); err != nil {
		t.Fatal(err)
	}
	e.assessed(StateDegraded, verdict.AwaitingCredentials)
}

// The credentials are valid, and the curators are of another cluster.
func TestVerdictOnAnotherClustersCA(t *testing.T) {
	t.Parallel()
	e := newEnrolled(t)
	e.enrol(newAuthority(t))
	s := e.assessed(StateDegraded, verdict.Refused)
	if s.Curator.State != curator.StateRefused {
		t.Errorf("the curator is %s", s.Curator.State)
	}
}

// Files of two clusters are unusable.
func TestVerdictOnCredentialsOfTwoClusters(t *testing.T) {
	t.Parallel()
	e := newEnrolled(t)
	e.enrol(e.cluster)
	e.assessed(StateReady)
	elsewhere := filepath.Join(t.TempDir(), "credentials")
	if err := newAuthority(t).WriteCredentials(elsewhere, e.key.Public().(ed25519.PublicKey), e.key); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(elsewhere, nodetls.CAFile), filepath.Join(e.directory, nodetls.CAFile)); err != nil {
		t.Fatal(err)
	}
	e.assessed(StateDegraded, verdict.BadCredentials)
}

// A curator that is lost counts after the minute that also brings EDE 3, and not
// before; so does one that was never reached.
func TestVerdictOnALostCurator(t *testing.T) {
	t.Parallel()
	var after atomic.Int64
	clock := func(c *Config) {
		c.clock = func() time.Duration { return boottime.Now() + time.Duration(after.Load()) }
	}
	directory := &memory.Directory{}
	directory.Set(memory.Node{ID: self}, memory.Node{ID: other, Address: "192.0.2.2"})
	unreachable := func(context.Context) (grpc.ClientConnInterface, func() error, error) {
		return nil, nil, errors.New("out of reach")
	}

	f := start(t, clock, func(c *Config) { c.ClusterDialer = cluster(t, directory) })
	f.publish("192.0.2.1")
	f.assessed(StateReady)
	f.SetClusterDialer(unreachable)
	f.snapshot("the loss", func(s *zone.Snapshot) bool { return !s.Reachable() })
	f.assessed(StateReady)
	after.Add(int64(zone.LostAfter))
	f.assessed(StateDegraded, verdict.CuratorLost)
	f.SetClusterDialer(cluster(t, directory))
	f.assessed(StateReady)
	f.stop()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}

	saved := start(t, clock, func(c *Config) { c.StateDir, c.ClusterDialer = filepath.Join(f.root, "state"), unreachable })
	saved.publish("192.0.2.1")
	saved.assessed(StateReady)
	after.Add(int64(zone.LostAfter))
	saved.assessed(StateDegraded, verdict.CuratorLost)

	never := start(t, clock, func(c *Config) { c.ClusterDialer = unreachable })
	never.publish("192.0.2.1")
	never.assessed(StateWaiting, verdict.ZoneNotReady)
	after.Add(int64(zone.LostAfter))
	never.assessed(StateDegraded, verdict.CuratorLost)
}

// A reload that was refused counts until one succeeds.
func TestVerdictOnARefusedReload(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.publish("192.0.2.1")
	if s := f.assessed(StateReady); s.LastReload != nil {
		t.Errorf("the last reload is %+v before the first", s.LastReload)
	}
	f.ReportReload(errors.New("nodedns.toml:3: unknown key"))
	s := f.assessed(StateDegraded, verdict.ReloadRefused)
	if s.LastReload.Error != "nodedns.toml:3: unknown key" || s.LastReload.At.IsZero() {
		t.Errorf("the last reload is %+v", s.LastReload)
	}
	f.ReportReload(nil)
	f.assessed(StateReady)
}
