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
	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/zone"
)

// sandbox is a daemon in one process and one directory, with what its nodes come
// from: a sample cluster, or a file of the user's.
type sandbox struct {
	out     io.Writer
	log     *slog.Logger
	hosts   string
	socket  string
	cluster *sampleCluster // nil: there is a file
	curator net.Listener
	file    string
	service *nodedns.Service
}

// exampleLines are there before nodedns is, to show what becomes of them.
const exampleLines = "127.0.0.1 localhost\n192.0.2.200 printer # your own lines stay as they are\n"

// newSandbox makes all that is needed in dir. It does not start it.
func newSandbox(dir, nodes string, out, stderr io.Writer) (*sandbox, error) {
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
	cfg := nodedns.Config{
		RetainDeparted: zone.RetainFor(time.Hour),
		StateDir:       filepath.Join(dir, "state"),
		Files: nodedns.Files{
			Root: root, Hosts: "/etc/hosts", Hostname: true,
			MachineID: "/etc/machine-id", MachineIDFormat: "node-id",
		},
		Listen: []netip.AddrPort{freeListener()},
		DNS:    resolver.Settings{TTL: time.Second, Domains: []string{sampleDomain}},
		Logger: s.log,
	}
	var err error
	if nodes != "" {
		err = s.useFile(&cfg, nodes)
	} else {
		err = s.useSampleCluster(&cfg, filepath.Join(dir, "credentials"))
	}
	if err != nil {
		return nil, err
	}
	if s.service, err = nodedns.New(cfg); err != nil {
		s.close()
	}
	return s, err
}

// useSampleCluster has the sandbox follow a cluster of its own.
func (s *sandbox) useSampleCluster(cfg *nodedns.Config, credentials string) (err error) {
	if s.cluster, err = newSampleCluster(credentials); err != nil {
		return err
	}
	if s.curator, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("bind the sample cluster's curator: %w", err)
	}
	at, err := curator.ParseEndpoint(s.curator.Addr().String() + "#" + s.cluster.curator.NodeID())
	if err != nil {
		s.close()
		return err
	}
	cfg.NodeID, cfg.Addresses = s.cluster.own, []netip.Addr{netip.MustParseAddr(ownAddress)}
	cfg.Endpoints, cfg.Credentials = []curator.Endpoint{at}, credentials
	cfg.NameLabel = memory.NameLabel
	return nil
}

// close ends what is open before the sandbox runs.
func (s *sandbox) close() {
	if s.curator != nil {
		s.curator.Close()
	}
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
	defer s.close()
	socket, err := control.Listen(s.socket)
	if err != nil {
		return err
	}
	defer socket.Unlock()
	group, ctx := errgroup.WithContext(ctx)
	if s.cluster != nil {
		group.Go(func() error { return s.cluster.curator.Serve(ctx, s.curator) })
	}
	group.Go(func() error { return httpserver.Serve(ctx, socket, control.Handler(controlDaemon(s.service)), s.log) })
	group.Go(func() error { return unlessStopped(s.service.Run(ctx)) })
	group.Go(func() error {
		start, err := s.awaitNodes(ctx)
		if start == nil || err != nil {
			return err
		}
		s.printInstructions(start)
		if s.cluster != nil {
			group.Go(func() error { s.cluster.runScenario(ctx, pace); return nil })
		}
		s.printEvents(ctx, start)
		return nil
	})
	return group.Wait()
}
