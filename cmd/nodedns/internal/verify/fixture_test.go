package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// name is the ID of a sample node; number 0 is this machine.
func name(i int) string { return fmt.Sprintf("metropolis-%032x", i) }

func address(i int) string { return fmt.Sprintf("10.0.%d.%d", i>>8, i&0xff) }

// newZone is a ready zone of this machine and some nodes, and the source to
// change it by.
func newZone(t *testing.T, nodes int) (*zone.Store, *zone.Source) {
	t.Helper()
	store, err := zone.NewStore(zone.Config{Local: zone.ID(name(0)), RetainDeparted: zone.RetainForever})
	if err != nil {
		t.Fatal(err)
	}
	store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")})
	source := store.Source("curator")
	source.Expect(true)
	source.Begin()
	for i := 1; i < nodes; i++ {
		source.Set(zone.Entry{ID: name(i), Addresses: testkit.Addrs(address(i))})
	}
	source.Complete()
	return store, source
}

// listen answers from a zone until the test ends.
func listen(t *testing.T, store *zone.Store) netip.AddrPort {
	t.Helper()
	s, err := resolver.New(resolver.Config{
		Zone:   store.Snapshot,
		Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")},
		Settings: resolver.Settings{
			TTL: time.Second, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s.Addrs()[0]
}

// fakeDaemon provides a zone without a socket.
type fakeDaemon struct {
	store    *zone.Store
	listener netip.AddrPort
	files    []hostsfile.FileStatus
	conf     *resolvconf.Status
	read     func() // is called when the nodes have been read
}

func (d *fakeDaemon) Status(context.Context) (nodedns.Status, error) {
	snap := d.store.Snapshot()
	s := nodedns.Status{
		NodeID: name(0), Ready: snap.Ready(), Serial: snap.Serial(), Nodes: snap.Counts(),
		Listeners: []netip.AddrPort{d.listener}, Files: d.files, ResolvConf: d.conf,
	}
	s.Addresses = slices.Collect(snap.Local().Addrs())
	return s, nil
}

func (d *fakeDaemon) Query(ctx context.Context, name, typ string) (inspect.Answer, error) {
	s, err := resolver.New(resolver.Config{Zone: d.store.Snapshot})
	if err != nil {
		return inspect.Answer{}, err
	}
	answer, err := inspect.Inspector{Server: s}.Query(ctx, name, typ)
	if err != nil {
		return inspect.Answer{}, err
	}
	return *answer, nil
}

func (d *fakeDaemon) Nodes(_ context.Context, _ control.Filter, yield func(control.Node) error) error {
	for n := range d.store.Snapshot().All() {
		since := n.Since()
		told := control.Node{
			ID: string(n.ID()), Addresses: slices.Collect(n.Addrs()), Roles: n.Roles().Names(),
			Local: n.IsLocal(), Departed: n.Departed(), Since: &since,
		}
		if err := yield(told); err != nil {
			return err
		}
	}
	if d.read != nil {
		d.read()
	}
	return nil
}

// verified runs a verification of a machine that keeps no files.
func verified(t *testing.T, cfg Config) Report {
	t.Helper()
	if cfg.Files.ID == "" {
		cfg.Files = hostsfile.Config{ID: zone.ID(name(0)), StateDir: t.TempDir()}
	}
	report, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// check finds one of a report.
func check(t *testing.T, r Report, prefix string) Check {
	t.Helper()
	for _, c := range r.Checks {
		if strings.HasPrefix(c.Name, prefix) {
			return c
		}
	}
	t.Fatalf("no check %q in %+v", prefix, r)
	return Check{}
}
