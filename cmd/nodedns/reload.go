package main

import (
	"errors"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
)

// loading is how the attempts to load the configuration have gone.
type loading struct {
	at   time.Time // the last one that succeeded
	fine bool      // the last one did
}

// reload loads the configuration again and takes over what can be changed
// while running. Where something is wrong with it, nothing changes.
func (d *daemon) reload() {
	cfg, err := d.load()
	now := d.applicable(cfg)
	if err == nil {
		err = d.service.Reload(serviceConfig(now, d.id, d.log))
	}
	if err != nil {
		d.loads.Store(&loading{at: d.loads.Load().at})
		d.reportRefused(err)
		return
	}
	d.loads.Store(&loading{at: time.Now(), fine: true})
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
	d.warn(now)
}

// applicable is the part of a new configuration that goes together with what
// stays until the restart: endpoints for plain text are none for TLS, and what
// is to be done with one resolv.conf need not be right for another.
func (d *daemon) applicable(cfg config.Config) config.Config {
	if cfg.Curator.Insecure != d.started.Curator.Insecure {
		cfg.Curator.Endpoints = d.current.Curator.Endpoints
	}
	if cfg.Files.ResolvConf != d.started.Files.ResolvConf {
		cfg.Files.ResolvConfMode = d.current.Files.ResolvConfMode
	}
	return cfg
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
