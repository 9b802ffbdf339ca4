package resolvconf

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/nodedns/nodedns/internal/managed"
)

// Restored is one thing that Restore has undone.
type Restored struct {
	Path string // with the root
	Done string // what was done, for people to read
}

// Restore undoes what Keepers with the same state directory have done, with the
// present settings in cfg. It needs no daemon, and may be repeated. A running
// Keeper takes resolv.conf over again.
func Restore(cfg Config) ([]Restored, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	f := filesOf(cfg, managed.RealSystem())
	failed := []error{managed.RecoverOverwrites(f.conf.State, f.conf.System, cfg.Logger)}
	records, err := f.backups.All()
	failed = append(failed, err)
	// An earlier configuration may have named another path.
	var kept []Config
	for _, o := range records {
		earlier := cfg
		earlier.Root, earlier.Path = o.Root, o.Path
		kept = append(kept, earlier)
	}
	isIt := func(o managed.Backup) bool { return o.String() == f.conf.String() }
	if cfg.Path != "" && !slices.ContainsFunc(records, isIt) {
		kept = append(kept, cfg)
	}
	var done []Restored
	for _, cfg := range kept {
		f := filesOf(cfg, f.conf.System)
		what, err := f.restore()
		failed = append(failed, err)
		if what != "" {
			done = append(done, Restored{f.conf.String(), what})
		}
	}
	return done, errors.Join(append(failed, f.shareUpstreams(false))...)
}
