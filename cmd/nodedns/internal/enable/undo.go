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
)

// errStillRuns is for a daemon that we cannot stop.
var errStillRuns = errors.New("the daemon runs, and would write again: stop it by what runs it on this machine, and disable once more")

// PlanDisable tells what disabling some things comes to.
func (m *Machine) PlanDisable(ctx context.Context, things []Thing) (Plan, error) {
	left, err := m.left()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{DropIn: m.dropIn(), Keys: without(left, keysOf(things)), Rows: []Row{}, left: left}
	for _, t := range things {
		if t != Nsswitch && has(left, t) {
			row := m.describe(t)
			row.Becomes, row.Change = "what it was before", true
			p.Rows = append(p.Rows, row)
		}
	}
	if slices.Contains(things, Nsswitch) {
		if err := m.planUndoNsswitch(&p, left); err != nil {
			return Plan{}, err
		}
	}
	if p.rewrite = len(p.Keys) < len(left); p.rewrite {
		return p, m.planLeave(ctx, &p)
	}
	return p, nil
}

// left are the keys that may still have effects.
func (m *Machine) left() ([]string, error) {
	r, _, err := m.loadRecord()
	if err != nil {
		return nil, err
	}
	keys, err := m.switched()
	if err != nil {
		return nil, err
	}
	keys = append(keys, r.Keys...)
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

func (m *Machine) planUndoNsswitch(p *Plan, left []string) error {
	edited, err := m.nameService().isEdited()
	if err != nil || !edited && !has(left, Nsswitch) {
		return err
	}
	row := Row{Thing: Nsswitch, Path: m.rooted(nsswitchPath), Now: "as it was before", Becomes: stays, Change: true}
	if edited {
		row.Now, row.Becomes = m.hostsLine(), "what it was before"
	}
	p.edit = edited
	p.Rows = append(p.Rows, row)
	return nil
}

// planLeave tells what becomes of the daemon.
func (m *Machine) planLeave(ctx context.Context, p *Plan) error {
	row := Row{Thing: daemon, Now: "does not run", Becomes: stays}
	switch runs := m.running(ctx); {
	case m.systemd():
		active, enabled, err := unitState(ctx)
		if err != nil {
			return err
		}
		then, err := m.afterwards(p.Keys)
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

// afterwards says what the service is to be when some keys stay: with the last
// of them it becomes what it was before us. That the record is lost is no reason
// to stop it.
func (m *Machine) afterwards(stay []string) (then record, err error) {
	r, found, err := m.loadRecord()
	if !found || len(stay) > 0 {
		r.UnitActive, r.UnitEnabled = true, true
	}
	return r, err
}

// Disable carries out a plan for that, and tells what was put back.
func (m *Machine) Disable(ctx context.Context, p Plan) (done []Restored, err error) {
	release, err := m.alone(p)
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
	then, err := m.afterwards(p.Keys)
	if err != nil {
		return done, err
	}
	more, err := m.leave(ctx, p.Keys, without(p.left, p.Keys), then)
	if err == nil {
		err = m.forget(p.Keys)
	}
	return append(done, more...), err
}

// forget leaves only some keys in the record.
func (m *Machine) forget(stay []string) error {
	r, found, err := m.loadRecord()
	if err != nil || !found {
		return err
	}
	r.Keys = stay
	return m.saveRecord(r)
}

// leave makes the drop-in have only the keys that stay, and has put back what
// those did that are gone. Then the service becomes what is said.
func (m *Machine) leave(ctx context.Context, stay, gone []string, then record) (done []Restored, err error) {
	if err := m.writeDropIn(stay); err != nil {
		return nil, err
	}
	if len(stay) == 0 && then.MadeDir {
		// The user may have files of his own in it by now.
		err := os.Remove(filepath.Dir(m.dropIn()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
			return nil, fmt.Errorf("remove the directory of the drop-ins: %w", err)
		}
	}
	systemd := m.systemd()
	switch {
	case systemd:
		if err := systemctl(ctx, "stop"); err != nil {
			return nil, err
		}
	case m.running(ctx):
		return nil, errStillRuns
	}
	done, err = m.restore(gone)
	if systemd {
		// Whatever could not be put back: names are to be answered.
		err = errors.Join(err, leaveUnit(ctx, then))
	}
	return done, err
}

// leaveUnit makes the service, which was stopped, what is said.
func leaveUnit(ctx context.Context, then record) (err error) {
	if !then.UnitEnabled {
		err = systemctl(ctx, "disable")
	}
	if then.UnitActive {
		err = errors.Join(err, systemctl(ctx, "start"))
	}
	return err
}

// restore puts back what some keys had the daemon change.
func (m *Machine) restore(gone []string) ([]Restored, error) {
	cfg := m.Config
	switch {
	case !has(gone, Hosts):
		cfg.Files.Hosts = "" // the block stays where it is
	case cfg.Files.Hosts == "":
		cfg.Files.Hosts = hostsPath // where the drop-in was removed by an earlier attempt
	}
	files := has(gone, Hosts, MachineID, Hostname)
	if !files && !has(gone, ResolvConf) {
		return nil, nil
	}
	return m.Restore(cfg, has(gone, ResolvConf), files)
}
