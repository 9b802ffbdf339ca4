package enable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
)

// errStillRuns is for a daemon that we cannot stop.
var errStillRuns = errors.New("the daemon runs, and would write again: stop it with what runs it on this machine, and disable once more")

// PlanDisable returns a plan for disabling some features, or with nil all.
func (m *Manager) PlanDisable(ctx context.Context, features []Feature) (Plan, error) {
	if features == nil {
		features = Features()
	}
	active, err := m.activeKeys()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{DropIn: m.dropIn(), Keys: without(active, keysOf(features)), Rows: []Row{}, active: active}
	for _, t := range features {
		if t != Nsswitch && has(active, t) {
			row := m.describe(t)
			row.Becomes, row.Change = "what it was before", true
			p.Rows = append(p.Rows, row)
		}
	}
	if slices.Contains(features, Nsswitch) {
		if err := m.planUndoNsswitch(&p, active); err != nil {
			return Plan{}, err
		}
	}
	if p.rewrite = len(p.Keys) < len(active); p.rewrite {
		return p, m.planStop(ctx, &p)
	}
	return p, nil
}

// activeKeys are the keys that may still have effects.
func (m *Manager) activeKeys() ([]string, error) {
	r, _, err := m.loadRecord()
	if err != nil {
		return nil, err
	}
	keys, err := m.enabledKeys()
	if err != nil {
		return nil, err
	}
	keys = append(keys, r.Keys...)
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

func (m *Manager) planUndoNsswitch(p *Plan, active []string) error {
	edited, err := m.nameService().isEdited()
	if err != nil || !edited && !has(active, Nsswitch) {
		return err
	}
	row := Row{Feature: Nsswitch, Path: m.rooted(machine.Nsswitch), Now: "as it was before", Becomes: unchanged, Change: true}
	if edited {
		row.Now, row.Becomes = m.hostsLine(), "what it was before"
	}
	p.edit = edited
	p.Rows = append(p.Rows, row)
	return nil
}

// planStop returns what becomes of the daemon.
func (m *Manager) planStop(ctx context.Context, p *Plan) error {
	row := Row{Feature: daemon, Now: "does not run", Becomes: unchanged}
	switch runs := m.running(ctx); {
	case m.systemd():
		active, enabled, err := machine.UnitState(ctx)
		if err != nil {
			return err
		}
		then, err := m.unitAfter(p.Keys)
		if err != nil {
			return err
		}
		row.Now, row.Change = describeUnit(active, enabled), true
		row.Becomes = "stopped; then " + describeUnit(then.UnitActive, then.UnitEnabled)
	case runs:
		row.Now, row.Note = "runs", "stop it before: it would write again"
	}
	p.Rows = append(p.Rows, row)
	return nil
}

// unitAfter is the state of the service when some keys are kept: with the last
// of them it becomes what it was before us. A lost record is no reason to stop
// it.
func (m *Manager) unitAfter(keep []string) (then record, err error) {
	r, found, err := m.loadRecord()
	if !found || len(keep) > 0 {
		r.UnitActive, r.UnitEnabled = true, true
	}
	return r, err
}

// Disable executes a plan for that, and returns what was put back.
func (m *Manager) Disable(ctx context.Context, p Plan) (done []Restored, err error) {
	release, err := m.lock(p)
	if err != nil {
		return nil, err
	}
	defer release()
	if p.edit {
		n := m.nameService()
		what, err := n.undo()
		if err != nil {
			return nil, err
		}
		if what != "" {
			done = append(done, Restored{n.file.String(), what})
		}
	}
	if !p.rewrite {
		return done, nil
	}
	then, err := m.unitAfter(p.Keys)
	if err != nil {
		return done, err
	}
	more, err := m.removeKeys(ctx, p.Keys, without(p.active, p.Keys), then)
	if err == nil {
		err = m.trimRecord(p.Keys)
	}
	return append(done, more...), err
}

// trimRecord keeps only some keys in the record.
func (m *Manager) trimRecord(keep []string) error {
	r, found, err := m.loadRecord()
	if err != nil || !found {
		return err
	}
	r.Keys = keep
	return m.saveRecord(r)
}

// removeKeys makes the drop-in have only the keys to keep, and undoes the
// effects of the removed ones. Then the service gets the given state.
func (m *Manager) removeKeys(ctx context.Context, keep, gone []string, then record) (done []Restored, err error) {
	if err := m.writeDropIn(keep); err != nil {
		return nil, err
	}
	if len(keep) == 0 && then.MadeDir {
		// The user may have other files in it by now.
		err := os.Remove(filepath.Dir(m.dropIn()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
			return nil, fmt.Errorf("remove the directory of the drop-ins: %w", err)
		}
	}
	systemd := m.systemd()
	switch {
	case systemd:
		if err := machine.Systemctl(ctx, "stop"); err != nil {
			return nil, err
		}
	case m.running(ctx):
		return nil, errStillRuns
	}
	done, err = m.restore(gone)
	if systemd {
		// Even if not all could be put back: names must be answered.
		err = errors.Join(err, restoreUnit(ctx, then))
	}
	return done, err
}

// restoreUnit gives the service, which was stopped, a state.
func restoreUnit(ctx context.Context, then record) (err error) {
	if !then.UnitEnabled {
		err = machine.Systemctl(ctx, "disable")
	}
	if then.UnitActive {
		err = errors.Join(err, machine.Systemctl(ctx, "start"))
	}
	return err
}

// restore puts back what some keys had the daemon change.
func (m *Manager) restore(gone []string) ([]Restored, error) {
	cfg := m.Config
	switch {
	case !has(gone, Hosts):
		cfg.Files.Hosts = "" // the block is not removed
	case cfg.Files.Hosts == "":
		cfg.Files.Hosts = machine.Hosts // where the drop-in was removed by an earlier attempt
	}
	files := has(gone, Hosts, MachineID, Hostname)
	if !files && !has(gone, ResolvConf) {
		return nil, nil
	}
	return m.Restore(cfg, has(gone, ResolvConf), files)
}
