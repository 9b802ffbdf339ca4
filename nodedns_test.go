package nodedns

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

const other = "metropolis-11111111111111111111111111111111"

func TestStartsWithoutAddressAndCluster(t *testing.T) {
	t.Parallel()
	f := start(t)
	if got, want := f.file("etc/hosts"), "# BEGIN nodedns\n127.0.0.1 localhost\n::1 localhost\n# END nodedns\n"; got != want {
		t.Errorf("hosts file is %q, want %q", got, want)
	}
	if got := f.file("etc/machine-id"); got != self {
		t.Errorf("machine-id is %q, want %q", got, self)
	}
	if got := strings.TrimSpace(f.file("etc/hostname")); got != self {
		t.Errorf("hostname is %q, want %q", got, self)
	}
	for _, name := range []string{"hosts", "machine-id"} {
		if info, err := os.Stat(filepath.Join(f.root, "etc", name)); err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v, want mode 0644", name, info.Mode(), err)
		}
	}
	if got := f.lookup(self); got != "" {
		t.Errorf("our own name resolves to %q, want NODATA", got)
	}
	if status := f.Status(); status.NodeID != self {
		t.Errorf("status is %+v", status)
	}
	f.assessed(StateDegraded, verdict.NoAddress)
	f.publish("192.0.2.1")
	f.assessed(StateReady)
}

func TestOwnHostsFileIsAsTheOriginalHadIt(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *Config) { c.Files.HostsMode = hostsfile.HostsOwn })
	f.publish("192.0.2.1")
	want := "127.0.0.1 localhost\n::1 localhost\n192.0.2.1 " + self + "\n"
	f.eventually("the address in the file", func() bool { return f.file("etc/hosts") == want })
}

func TestNewAddressIsAnsweredWrittenAndLoggedOnce(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.publish("192.0.2.1", "2001:db8::1")
	f.snapshot("the address", func(s *zone.Snapshot) bool { return s.Local().HasAddr() })
	if got := f.lookup(strings.ToUpper(self)); got != "192.0.2.1 2001:db8::1" {
		t.Errorf("resolves to %q", got)
	}
	f.eventually("the line in the file", func() bool { return strings.Contains(f.file("etc/hosts"), "192.0.2.1 "+self+"\n") })
	f.eventually("the log line", func() bool { return f.logged.Count("new local address") == 1 })
	if got := f.logged.Count("self-resolution failed"); got != 0 {
		t.Errorf("a false alarm:\n%s", f.logged.String())
	}
	f.publish()
	f.publish("192.0.2.1", "2001:db8::1")
	if got := f.lookup(self); got != "192.0.2.1 2001:db8::1" {
		t.Errorf("after an empty list it resolves to %q", got)
	}
	if got := f.logged.Count("new local address"); got != 1 {
		t.Errorf("logged %d times, want once", got)
	}
}

// cluster serves a directory and returns the way to it.
func cluster(t *testing.T, directory *memory.Directory) ClusterDialer {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := &memory.Server{Directory: directory}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///curator",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return func(context.Context) (grpc.ClientConnInterface, func() error, error) { return conn, nil, nil }
}

func TestClusterDialerComesChangesAndGoes(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.publish("192.0.2.1")
	f.snapshot("readiness without a cluster", (*zone.Snapshot).Ready)
	if got := f.lookup(other); !strings.Contains(got, "NXDOMAIN") {
		t.Errorf("without a cluster the other node is %q", got)
	}

	first := &memory.Directory{}
	first.Set(memory.Node{ID: other, Address: "192.0.2.2"}, memory.Node{ID: self, Address: "192.0.2.99"})
	f.SetClusterDialer(cluster(t, first))
	f.snapshot("the other node", func(s *zone.Snapshot) bool { return s.Cluster().Complete })
	if got := f.lookup(other); got != "192.0.2.2" {
		t.Errorf("the other node is %q", got)
	}
	if got := f.lookup(self); got != "192.0.2.1" {
		t.Errorf("the cluster's idea of our address is believed: %q", got)
	}
	f.eventually("the log line", func() bool { return f.logged.Count("running with a cluster") > 0 })

	second := &memory.Directory{}
	second.Set(memory.Node{ID: other, Address: "192.0.2.3"})
	f.SetClusterDialer(cluster(t, second))
	f.snapshot("the other address", func(s *zone.Snapshot) bool {
		n, _ := s.Lookup(other)
		for addr := range n.Addrs() {
			return addr.String() == "192.0.2.3"
		}
		return false
	})

	f.SetClusterDialer(nil)
	f.snapshot("the loss", func(s *zone.Snapshot) bool { return !s.Cluster().Connected && !s.Cluster().Expected })
	if got := f.lookup(other); got != "192.0.2.3" {
		t.Errorf("without the dialer the other node is %q", got)
	}
	f.eventually("the log line", func() bool { return f.logged.Count("running without a cluster") == 2 })
}

func TestSavedNodesAnswerAtTheNextStart(t *testing.T) {
	t.Parallel()
	directory := &memory.Directory{}
	directory.Set(memory.Node{ID: other, Address: "192.0.2.2"})
	f := start(t, func(c *Config) { c.ClusterDialer = cluster(t, directory) })
	f.snapshot("the cluster", func(s *zone.Snapshot) bool { return s.Cluster().Complete })
	f.stop()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	next := start(t, func(c *Config) {
		c.StateDir = filepath.Join(f.root, "state")
		c.ClusterDialer = func(context.Context) (grpc.ClientConnInterface, func() error, error) {
			return nil, nil, errors.New("out of reach")
		}
	})
	if got := next.lookup(other); got != "192.0.2.2" {
		t.Errorf("after the restart the other node is %q", got)
	}
	if next.Status().Saved == nil {
		t.Error("the status has no time at which the nodes were saved")
	}
}

func TestFailingSourceRunsAgainAlone(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	f := start(t, func(c *Config) {
		c.LocalSource = func(ctx context.Context, publish func([]netip.Addr)) error {
			if runs.Add(1) == 1 {
				return errors.New("the source broke")
			}
			publish([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
			<-ctx.Done()
			return nil
		}
	})
	f.snapshot("the address of the second run", func(s *zone.Snapshot) bool { return s.Local().HasAddr() })
	if got := f.logged.Count("the source broke"); got != 1 {
		t.Errorf("logged %d times, want once", got)
	}
	f.eventually("a good state", func() bool { return f.Status().State == StateReady })
}

func TestFailedWriteDegradesAndStopsNothing(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	hosts := filepath.Join(f.root, "etc", "hosts")
	if err := os.Mkdir(hosts, 0o755); err != nil {
		t.Fatal(err)
	}
	f.run()
	<-f.Ready()
	f.publish("192.0.2.1")
	f.eventually("the degraded state", func() bool { return f.Status().State == StateDegraded })
	if got := f.lookup(self); got != "192.0.2.1" {
		t.Errorf("resolves to %q", got)
	}
	if got := f.file("etc/machine-id"); got != self {
		t.Errorf("machine-id is %q", got)
	}
	if err := os.Remove(hosts); err != nil {
		t.Fatal(err)
	}
	f.eventually("the file", func() bool { return strings.Contains(f.file("etc/hosts"), "192.0.2.1 "+self) })
	f.eventually("a good state", func() bool { return f.Status().State == StateReady })
}

func TestSelfResolutionIsCheckedByFile(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	hosts := filepath.Join(f.root, "etc", "hosts")
	if err := os.WriteFile(hosts, []byte("192.0.2.66 "+self+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.run()
	f.publish("192.0.2.1")
	f.eventually("the error", func() bool {
		return f.logged.Count("self-resolution failed") == 1 && f.Status().State == StateDegraded
	})
	if got := f.Status().Self; got.File == nil || *got.File {
		t.Errorf("the status has %+v, want it not found in the file", got)
	}
	if err := os.WriteFile(hosts, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.eventually("the end of the error", func() bool { return f.logged.Count("self-resolution works again") == 1 })
	if got := f.Status().Self; got.File == nil || !*got.File || got.DNS == nil || !*got.DNS {
		t.Errorf("the status has %+v, want it found in both ways", got)
	}
}

func TestListenerInUseEndsTheStart(t *testing.T) {
	t.Parallel()
	f := start(t)
	f2 := prepare(t, func(c *Config) { c.Listen = f.dns.Addrs() })
	err := f2.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), f.dns.Addrs()[0].String()) {
		t.Errorf("the second on one port: %v, want an error that names the address", err)
	}
	if got := f2.file("etc/hosts"); strings.Contains(got, self) {
		t.Errorf("it wrote the hosts file all the same: %q", got)
	}
}

func TestRunsOnce(t *testing.T) {
	t.Parallel()
	f := start(t)
	if err := f.Run(t.Context()); !errors.Is(err, ErrRunning) {
		t.Errorf("a second Run: %v, want ErrRunning", err)
	}
	f.stop()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended by its context: %v, want that error", err)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); !errors.Is(err, ErrNoIdentity) {
		t.Errorf("without an identity: %v, want ErrNoIdentity", err)
	}
	f := prepare(t, func(c *Config) { c.NodeID = "Rack7" })
	if f.ID() != "rack7" {
		t.Errorf("ID is %q, want the free one", f.ID())
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.publish("192.0.2.1")
	f.snapshot("the address", func(s *zone.Snapshot) bool { return s.Local().HasAddr() })

	err := f.Reload(func(c *Config) {
		c.DNS.Domains = []string{"nodes.example"}
		c.LocalSource, c.Addresses = nil, []netip.Addr{netip.MustParseAddr("192.0.2.5")}
	})
	if err != nil {
		t.Fatal(err)
	}
	f.snapshot("the static address", func(s *zone.Snapshot) bool {
		for addr := range s.Local().Addrs() {
			return addr.String() == "192.0.2.5"
		}
		return false
	})
	if got := f.lookup(self + ".nodes.example"); got != "192.0.2.5" {
		t.Errorf("under the new domain: %q", got)
	}

	err = f.Reload(func(c *Config) {
		c.DNS.Domains[0] = "a..b"
		c.Endpoints = endpoints("192.0.2.9:7835")
	})
	if err == nil {
		t.Fatal("a bad domain is accepted")
	}
	if got := f.lookup(self + ".nodes.example"); got != "192.0.2.5" {
		t.Errorf("after a refused reload: %q", got)
	}
	if got := f.cluster.Endpoints(); len(got) != 0 || f.Zone().Snapshot().Cluster().Expected {
		t.Errorf("after a refused reload the endpoints are %v", got)
	}
}

// What is not changed is not disturbed: the upstreams of a machine change with
// each lease of DHCP.
func TestReloadRestartsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	var sources, dials atomic.Int32
	directory := &memory.Directory{}
	directory.Set(memory.Node{ID: self, Address: "192.0.2.1"}, memory.Node{ID: other, Address: "192.0.2.9"})
	dial := cluster(t, directory)
	f := start(t, func(c *Config) {
		source := c.LocalSource
		c.LocalSource = func(ctx context.Context, publish func([]netip.Addr)) error {
			sources.Add(1)
			return source(ctx, publish)
		}
		c.ClusterDialer = func(ctx context.Context) (grpc.ClientConnInterface, func() error, error) {
			dials.Add(1)
			return dial(ctx)
		}
	})
	f.publish("192.0.2.1")
	f.snapshot("the cluster", func(s *zone.Snapshot) bool { return s.Cluster().Complete })
	listeners := f.dns.Addrs()
	reload := func(change func(*Config)) {
		t.Helper()
		if err := f.Reload(change); err != nil {
			t.Fatal(err)
		}
	}
	reload(func(c *Config) { c.DNS.Upstreams.Servers = []upstream.Server{deadServer(t)} })
	if got := f.Status().Upstreams; len(got) != 1 {
		t.Errorf("the upstreams are %v", got)
	}
	reload(func(c *Config) { c.RetainDeparted = zone.RetainForever })
	f.publish("192.0.2.2") // which a source that had been restarted would not get
	if s, d := sources.Load(), dials.Load(); s != 1 || d != 1 || !slices.Equal(f.dns.Addrs(), listeners) {
		t.Errorf("%d runs of the local source, %d connections, listeners %v; want one, one and %v", s, d, f.dns.Addrs(), listeners)
	}
	reload(func(c *Config) { c.LocalSource = f.source })
	f.publish("192.0.2.3")
}

// What Reload cannot take over is refused by name, and nothing is changed.
func TestReloadRefusesWhatTakesARestart(t *testing.T) {
	t.Parallel()
	f := start(t)
	for field, change := range map[string]func(*Config){
		"NodeID":         func(c *Config) { c.NodeID = "other" },
		"Prefix":         func(c *Config) { c.Prefix = new(zone.Prefix) },
		"StateDir":       func(c *Config) { c.StateDir = "/elsewhere" },
		"Listen":         func(c *Config) { c.Listen = nil },
		"Files.Hosts":    func(c *Config) { c.Files.Hosts = "" },
		"Files.Hostname": func(c *Config) { c.Files.Hostname = false },
		"VarlinkSocket":  func(c *Config) { c.VarlinkSocket = "/run/v" },
		"Logger":         func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) },
		"ClusterDialer":  func(c *Config) { c.ClusterDialer = cluster(t, &memory.Directory{}) },
	} {
		err := f.Reload(func(c *Config) { change(c); c.DNS.Domains = []string{"nodes.example"} })
		if err == nil || !strings.Contains(err.Error(), ": "+field+" ") {
			t.Errorf("%s: got error %v", field, err)
		}
	}
	if len(f.cfg.DNS.Domains) != 0 || f.lookup(self+".nodes.example") == "" {
		t.Error("a refused reload has changed the domains")
	}
	if err := f.Reload(func(*Config) {}); err != nil {
		t.Errorf("a reload that changes nothing: %v", err)
	}
}

// Without Files the machine's are neither written nor read.
func TestNothingIsReadOfTheMachine(t *testing.T) {
	t.Parallel()
	cfg := Config{NodeID: "alone", StateDir: t.TempDir(), Files: Files{Root: t.TempDir()}}
	cfg.Logger = slog.New(slog.DiscardHandler)
	if got := cfg.hostLines("alone", zone.DefaultPrefix).Path; got != "" {
		t.Errorf("the hosts file %s is read", got)
	}
	if got := cfg.settings().Upstreams; got.ResolvConf != "" || got.BackupDir != "" {
		t.Errorf("%s is read, and the records in %s", got.ResolvConf, got.BackupDir)
	}
	root := cfg.Files.Root
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hosts", "resolv.conf"} {
		if err := unix.Mkfifo(filepath.Join(root, "etc", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	service, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if lines := service.Status().HostsLines; lines.Names != 0 || len(lines.Problems) != 0 {
		t.Errorf("of a hosts file that no field names: %+v", lines)
	}
}

func TestUsersHostsLinesAreAnswered(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	hosts := filepath.Join(f.root, "etc", "hosts")
	write := func(lines string) {
		t.Helper()
		if err := os.WriteFile(hosts, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("192.0.2.200 printer printer.lan\nno address\n")
	f.run()
	<-f.Ready()
	if got := f.lookup("Printer.lan"); got != "192.0.2.200" {
		t.Errorf("at the start: %q", got)
	}
	write("192.0.2.201 printer.lan\n")
	f.eventually("the new line", func() bool { return f.lookup("printer.lan") == "192.0.2.201" })
	f.publish("192.0.2.1")
	f.eventually("our block beside it", func() bool { return strings.Contains(f.file("etc/hosts"), "192.0.2.1 "+self) })
	if got := f.lookup("printer.lan"); got != "192.0.2.201" {
		t.Errorf("beside our block: %q", got)
	}
}
