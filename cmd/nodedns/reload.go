package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

// loadResult is how the attempts to load the configuration have gone.
type loadResult struct {
	at time.Time // the last one that succeeded
	ok bool      // the last one did
}

// reloadTimeout bounds one reload, the wait for the one before included. It is
// shorter than the timeout of clients of the control socket.
const reloadTimeout = 5 * time.Second

// Why a reload is refused without the configuration having been looked at.
var (
	errReloading = errors.New("an earlier reload still reads the configuration; see whether its file system answers")
	errStarting  = errors.New("the daemon is still starting; try again when it is ready")
)

// reload loads the configuration again, takes over what can be changed while
// running, and returns that. Where something is wrong with it, nothing changes;
// the error states what. Either is logged and in the status, unless ctx, which
// is the caller's, ends first.
//
// It may be called concurrently: one runs after the other, and none while the
// files are still being read for an abandoned one.
func (d *daemon) reload(ctx context.Context) (control.Reloaded, error) {
	within, cancel := context.WithTimeout(ctx, d.reloadTimeout)
	defer cancel()
	select {
	case d.reloading <- struct{}{}:
	case <-within.Done():
		return control.Reloaded{}, d.refuse(ctx, errReloading)
	}
	d.notify(reloadingState())
	defer d.notify(readyState)
	type result struct {
		cfg config.Config
		err error
	}
	loaded := make(chan result)
	go func() { // which may hang, on the file system of a server that is gone
		cfg, err := d.load()
		select {
		case loaded <- result{cfg, err}:
		case <-within.Done():
			<-d.reloading
		}
	}()
	select {
	case r := <-loaded:
		defer func() { <-d.reloading }()
		if r.err != nil {
			return control.Reloaded{}, d.refuse(ctx, r.err)
		}
		return d.takeOver(ctx, r.cfg)
	case <-within.Done():
		return control.Reloaded{}, d.refuse(ctx, errSlowConfig(d.reloadTimeout))
	}
}

// takeOver is the part of a reload after the configuration was loaded.
func (d *daemon) takeOver(ctx context.Context, cfg config.Config) (control.Reloaded, error) {
	now := d.applicable(cfg)
	if err := d.service.Reload(func(c *nodedns.Config) { *c = serviceConfig(now, d.id, d.log) }); err != nil {
		return control.Reloaded{}, d.refuse(ctx, err)
	}
	d.loads.Store(&loadResult{at: time.Now(), ok: true})
	d.service.ReportReload(nil)
	d.level.Set(cfg.Log.Level)
	changed, _ := config.Diff(d.current, now)
	// Against the start, and not the last reload: until the restart this is
	// worth a warning each time.
	_, restart := config.Diff(d.started, cfg)
	d.current = now
	d.log.Info("configuration reloaded", "changed", changed)
	if len(restart) > 0 {
		d.log.Warn("restart nodedns for these changes of the configuration", "keys", restart)
	}
	d.warn(cfg)
	// Not null, where there are none.
	return control.Reloaded{
		Changed: append([]string{}, changed...), Restart: append([]string{}, restart...), Warnings: append([]string{}, cfg.Warnings()...),
	}, nil
}

// refuse logs and publishes why a reload is refused, and returns that. A
// cancelled one is not reported: nothing has changed, and no caller waits for
// it.
func (d *daemon) refuse(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.loads.Store(&loadResult{at: d.loads.Load().at})
	d.service.ReportReload(err)
	d.reportRefused(err)
	return err
}

// reloadOnSignal reloads with each value of reloads, until ctx ends.
func (d *daemon) reloadOnSignal(ctx context.Context, reloads <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-reloads:
			_, _ = d.reload(ctx) // the error is logged, and in the status
		}
	}
}

// reloadOnRequest reloads for a client of the control socket. Before the daemon
// is ready the service manager would take the end of the reload for its start.
func (d *daemon) reloadOnRequest(ctx context.Context) (control.Reloaded, error) {
	select {
	case <-d.ready:
		return d.reload(ctx)
	default:
		return control.Reloaded{}, errStarting
	}
}

// applicable is the part of a new configuration that can be taken over while
// running, and goes together with what stays until the restart: endpoints for
// plain text are none for TLS, and the mode of one resolv.conf need not be right
// for another.
func (d *daemon) applicable(cfg config.Config) config.Config {
	if cfg.Insecure != d.started.Insecure {
		cfg.Endpoints = d.current.Endpoints
	}
	if cfg.ResolvConf.Path != d.started.ResolvConf.Path {
		cfg.ResolvConf.Mode = d.current.ResolvConf.Mode
	}
	return config.Reloadable(d.started, cfg)
}

// reportRefused writes one line for each problem.
func (d *daemon) reportRefused(err error) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		d.log.Error("configuration not reloaded, the running one stays", "error", err)
		return
	}
	for _, p := range problems {
		d.log.Error("configuration not reloaded, the running one stays", "error", p)
	}
}
