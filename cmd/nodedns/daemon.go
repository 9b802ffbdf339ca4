package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/httpserver"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/metrics"
	servicemetrics "github.com/nodedns/nodedns/metrics"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/zone"
)

// daemon is a service with what a process has around it: a configuration that
// can be loaded again, a control socket, metrics, and the service manager.
type daemon struct {
	load    func() (config.Config, error)
	id      zone.ID
	log     *slog.Logger
	level   *slog.LevelVar
	service *nodedns.Service

	// started is the configuration of the start, and current the one in effect
	// for what can be reloaded.
	started, current config.Config
	loads            atomic.Pointer[loadResult]

	ready     chan struct{} // closed when the service manager was notified that we are
	reloading chan struct{} // holds an element during a reload, which owns current

	reloadTimeout time.Duration // the constant, except in tests
}

// newDaemon loads the configuration and makes a daemon that does nothing until
// it is run. Every error is one of the configuration. The store may be nil.
func newDaemon(load func() (config.Config, error), stderr io.Writer, kept listen.Store) (*daemon, error) {
	cfg, err := load()
	if err != nil {
		return nil, err
	}
	d := &daemon{
		load: load, level: new(slog.LevelVar), started: cfg, current: cfg,
		ready: make(chan struct{}), reloading: make(chan struct{}, 1), reloadTimeout: reloadTimeout,
	}
	if d.id, err = identify(cfg); err != nil {
		return nil, err
	}
	d.loads.Store(&loadResult{at: time.Now(), ok: true})
	d.level.Set(cfg.Log.Level)
	d.log = newLogger(stderr, cfg.Log.Format, d.level)
	service := serviceConfig(cfg, d.id, d.log)
	service.Descriptors = kept
	if d.service, err = nodedns.New(service); err != nil {
		return nil, &usageError{err}
	}
	return d, nil
}

// run serves until ctx ends, and reloads the configuration with each value of
// reloads. It returns an error where something cannot be bound.
func (d *daemon) run(ctx context.Context, reloads <-chan os.Signal) error {
	endpoints, release, err := d.bind()
	switch {
	case errors.Is(err, control.ErrInUse):
		return err // resolv.conf may be that daemon's
	case err != nil:
		return errors.Join(err, d.service.RestoreResolvConf())
	}
	defer release()
	group, ctx := errgroup.WithContext(ctx)
	for _, e := range endpoints {
		group.Go(func() error { d.serve(ctx, e); return nil })
	}
	d.warn(d.started)
	group.Go(func() error { return unlessStopped(d.service.Run(ctx)) })
	group.Go(func() error { d.serviceLoop(ctx, reloads); return nil })
	return group.Wait()
}

// unlessStopped is the error of a service that ended by itself; that its context
// was cancelled is the clean end.
func unlessStopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// warn logs what is valid but probably not intended.
func (d *daemon) warn(cfg config.Config) {
	for _, text := range cfg.Warnings() {
		d.log.Warn("configuration is valid but probably not intended", "warning", text)
	}
}

// endpoint serves HTTP of the daemon.
type endpoint struct {
	part     string
	listener net.Listener
	handler  http.Handler
}

// bind opens the endpoints, or none of them; release must be called when all of
// the daemon has ended. That there is no control socket is only an error where
// another daemon has it: names must be answered even if the status is not
// available.
func (d *daemon) bind() (endpoints []endpoint, release func(), err error) {
	release = func() {}
	l, err := control.Listen(d.started.Control.Socket)
	switch {
	case errors.Is(err, control.ErrInUse):
		return nil, nil, err
	case err != nil:
		d.log.Warn("no control socket: nodedns status, nodes, query, flush and reload will not find this daemon", "error", err)
	default:
		endpoints, release = append(endpoints, endpoint{"control", l, d.control()}), l.Unlock
	}
	address := d.started.Metrics.Listen
	if !address.IsValid() {
		return endpoints, release, nil
	}
	m, err := net.Listen("tcp", address.String())
	if err != nil {
		for _, e := range endpoints {
			e.listener.Close()
		}
		release()
		return nil, nil, fmt.Errorf("bind the metrics endpoint: %w; set metrics.listen to another address, or to none", err)
	}
	d.log.Info("metrics are served", "address", m.Addr())
	return append(endpoints, endpoint{"metrics", m, d.metrics()}), release, nil
}

// control answers on the control socket.
func (d *daemon) control() http.Handler {
	answers := controlDaemon(d.service)
	answers.Reload = d.reloadOnRequest
	return control.Handler(answers)
}

func (d *daemon) metrics() http.Handler {
	b := readBuild()
	return metrics.Handler(servicemetrics.NewCollector(d.service), &metrics.Process{
		Loaded: func() (time.Time, bool) {
			last := d.loads.Load()
			return last.at, last.ok
		},
		Version:   b.Version,
		Revision:  b.Revision,
		GoVersion: b.Go,
	})
}

// serve answers at an endpoint. Its failure is logged and stops nothing else:
// the daemon's work is to answer names.
func (d *daemon) serve(ctx context.Context, e endpoint) {
	defer e.listener.Close()
	log := d.log.With("part", e.part)
	if err := httpserver.Serve(ctx, e.listener, e.handler, log); err != nil {
		log.Error("stopped answering", "error", err)
	}
}

// serviceLoop keeps the service manager informed, and reloads on request.
func (d *daemon) serviceLoop(ctx context.Context, reloads <-chan os.Signal) {
	select {
	case <-ctx.Done():
		return
	case <-d.service.Ready():
	}
	d.log.Info("ready", "node", d.id, "listeners", d.service.Status().Listeners)
	d.notify(readyState)
	close(d.ready)
	collectOnce()
	// Beside the loop, because a reload may take its time.
	var reloader sync.WaitGroup
	defer reloader.Wait()
	reloader.Go(func() { d.reloadOnSignal(ctx, reloads) })
	d.report(ctx, d.newWatchdog())
	d.notify(stoppingState)
	d.log.Info("stopping")
}
