package nodedns

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
)

// fixture is a Service below a directory of its own, on a free port.
type fixture struct {
	*Service
	t      *testing.T
	root   string
	logged testkit.Log
	local  chan []netip.Addr // what the local source publishes
	told   chan struct{}     // that it has
	stop   context.CancelFunc
	ended  chan error
}

const self = "metropolis-00000000000000000000000000000000"

// deadline is for what happens at once; it only ends a test that hangs.
const deadline = testkit.Patience

// prepare makes a Service and does not run it.
func prepare(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, root: t.TempDir(), local: make(chan []netip.Addr), told: make(chan struct{}), ended: make(chan error, 1)}
	if err := os.Mkdir(filepath.Join(f.root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	cfg := f.config()
	for _, change := range change {
		change(&cfg)
	}
	service, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Service = service
	return f
}

func (f *fixture) config() Config {
	return Config{
		PublicKey:      make(ed25519.PublicKey, ed25519.PublicKeySize),
		RetainDeparted: zone.RetainFor(time.Hour),
		LocalSource:    f.source,
		StateDir:       filepath.Join(f.root, "state"),
		Files: Files{
			Root: f.root, Hosts: "/etc/hosts", MachineID: "/etc/machine-id", MachineIDFormat: "node-id", Hostname: true,
		},
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		DNS:    resolver.Settings{TTL: 10 * time.Second},
		Logger: slog.New(slog.NewTextHandler(&f.logged, nil)),
	}
}

func (f *fixture) source(ctx context.Context, publish func([]netip.Addr)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case addrs := <-f.local:
			publish(addrs)
			f.told <- struct{}{}
		}
	}
}

// start runs a Service until the test ends, and waits until it is ready.
func start(t *testing.T, change ...func(*Config)) *fixture {
	t.Helper()
	f := prepare(t, change...)
	f.run()
	select {
	case <-f.Ready():
	case err := <-f.ended:
		t.Fatalf("ended at the start: %v", err)
	case <-time.After(deadline):
		t.Fatalf("not ready; log:\n%s", f.logged.String())
	}
	return f
}

func (f *fixture) run() {
	ctx, stop := context.WithCancel(f.t.Context())
	f.stop = stop
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.ended <- f.Run(ctx)
	}()
	f.t.Cleanup(func() {
		stop()
		<-ended
	})
}

func (f *fixture) publish(addrs ...string) {
	f.t.Helper()
	var list []netip.Addr
	for _, addr := range addrs {
		list = append(list, netip.MustParseAddr(addr))
	}
	f.local <- list
	<-f.told
}

// snapshot waits for one that fulfils a condition.
func (f *fixture) snapshot(what string, met func(*zone.Snapshot) bool) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), deadline)
	defer cancel()
	for s := range f.Zone().Watch(ctx) {
		if met(s) {
			return
		}
	}
	f.t.Fatalf("no snapshot with %s; log:\n%s", what, f.logged.String())
}

// eventually polls what no event reports.
func (f *fixture) eventually(what string, met func() bool) {
	f.t.Helper()
	testkit.Eventually(f.t, what, func() error {
		if !met() {
			return fmt.Errorf("not yet; log:\n%s", &f.logged)
		}
		return nil
	})
}

func (f *fixture) file(name string) string {
	data, err := os.ReadFile(filepath.Join(f.root, name))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// lookup queries the listener.
func (f *fixture) lookup(name string) string {
	addrs, err := dnsclient.Lookup(f.t.Context(), f.dns.Addrs()[0], name)
	if err != nil {
		return err.Error()
	}
	var texts []string
	for _, addr := range addrs {
		texts = append(texts, addr.String())
	}
	return strings.Join(texts, " ")
}

// endpoints are the endpoints that some texts are.
func endpoints(texts ...string) []curator.Endpoint {
	all := make([]curator.Endpoint, len(texts))
	for i, text := range texts {
		if err := all[i].UnmarshalText([]byte(text)); err != nil {
			panic(err)
		}
	}
	return all
}
