package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/httpserver"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
)

// sandbox is a daemon and a cluster in one process and one directory.
type sandbox struct {
	out     io.Writer
	log     *slog.Logger
	hosts   string
	socket  string
	cluster *sampleCluster
	curator net.Listener
	service *nodedns.Service
}

// exampleLines are there before nodedns is, to show what becomes of them.
const exampleLines = "127.0.0.1 localhost\n192.0.2.200 printer # your own lines stay as they are\n"

// newSandbox makes all that is needed in dir. It does not start it.
func newSandbox(dir string, out, stderr io.Writer) (*sandbox, error) {
	root := filepath.Join(dir, "root")
	s := &sandbox{
		out: out,
		// Events are printed separately; here only what goes wrong.
		log:    newLogger(stderr, config.LogText, slog.LevelWarn),
		hosts:  filepath.Join(root, "etc/hosts"),
		socket: filepath.Join(dir, "control.sock"),
	}
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(s.hosts), 0o755),
		os.WriteFile(s.hosts, []byte(exampleLines), 0o644),
	); err != nil {
		return nil, fmt.Errorf("furnish the scratch directory: %w", err)
	}
	credentials := filepath.Join(dir, "credentials")
	var err error
	if s.cluster, err = newSampleCluster(credentials); err != nil {
		return nil, err
	}
	if s.curator, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("bind the sample cluster's curator: %w", err)
	}
	at, err := curator.ParseEndpoint(s.curator.Addr().String() + "#" + s.cluster.curator.NodeID())
	if err != nil {
		s.curator.Close()
		return nil, err
	}
	s.service, err = nodedns.New(nodedns.Config{
		NodeID:         s.cluster.own,
		RetainDeparted: zone.RetainFor(time.Hour),
		Addresses:      []netip.Addr{netip.MustParseAddr(ownAddress)},
		Endpoints:      []curator.Endpoint{at},
		Credentials:    credentials,
		StateDir:       filepath.Join(dir, "state"),
		Files: nodedns.Files{
			Root: root, Hosts: "/etc/hosts", Hostname: true,
			MachineID: "/etc/machine-id", MachineIDFormat: "node-id",
		},
		Listen: []netip.AddrPort{freeListener()},
		DNS:    resolver.Settings{TTL: time.Second},
		Logger: s.log,
	})
	if err != nil {
		s.curator.Close()
	}
	return s, err
}

// freeListener is the address that is easy to remember or, where that is
// taken, one with a port of the kernel's choice.
func freeListener() netip.AddrPort {
	usual := netip.MustParseAddrPort("127.0.0.53:5300")
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(usual))
	if err != nil {
		return netip.AddrPortFrom(usual.Addr(), 0)
	}
	udp.Close()
	tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(usual))
	if err != nil {
		return netip.AddrPortFrom(usual.Addr(), 0)
	}
	tcp.Close()
	return usual
}

// run lets the sandbox live until ctx ends.
func (s *sandbox) run(ctx context.Context, pace time.Duration) error {
	defer s.curator.Close()
	socket, err := control.Listen(s.socket)
	if err != nil {
		return err
	}
	defer socket.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.cluster.curator.Serve(ctx, s.curator) })
	group.Go(func() error { return httpserver.Serve(ctx, socket, control.Handler(controlDaemon(s.service)), s.log) })
	group.Go(func() error { return unlessStopped(s.service.Run(ctx)) })
	group.Go(func() error {
		start, err := s.awaitNodes(ctx)
		if start == nil {
			return err
		}
		s.printInstructions()
		group.Go(func() error { s.cluster.runScenario(ctx, pace); return nil })
		s.printEvents(ctx, start)
		return nil
	})
	return group.Wait()
}
