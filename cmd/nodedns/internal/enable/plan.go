package enable

import (
	"context"
	"fmt"
	"slices"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
)

// Plan is what will be done.
type Plan struct {
	DropIn string   `json:"drop_in"` // the file that has, or had, the keys
	Rows   []Row    `json:"plan"`
	Keys   []string `json:"keys"` // that the drop-in is going to have
	// Obstacle is why nothing can be done at all, with the remedy, or empty.
	Obstacle string `json:"obstacle,omitempty"`

	features []Feature // that it is for
	all      bool      // they are all, since none was named
	active   []string  // the keys that had effects when it was made
	rewrite  bool      // the drop-in changes
	restart  bool      // the daemon is restarted
	edit     bool      // nsswitch.conf changes
	resolve  bool      // and names nss-resolve
}

// Row is one line of a plan: a feature, or the daemon.
type Row struct {
	Feature Feature `json:"feature"`
	Path    string  `json:"path,omitempty"`
	Now     string  `json:"now"`
	Becomes string  `json:"becomes"`
	Change  bool    `json:"change"`
	// Note is why there is no change, or further details.
	Note string `json:"note,omitempty"`
}

// unchanged is what becomes of a feature that is left alone.
const unchanged = "unchanged"

// daemon is the feature of the row about the daemon.
const daemon Feature = "daemon"

// Changes reports whether there is anything to do.
func (p Plan) Changes() bool {
	return slices.ContainsFunc(p.Rows, func(r Row) bool { return r.Change })
}

// PlanEnable returns a plan for enabling some features, or with nil all that the
// machine should have: of these a hostname may be kept.
func (m *Manager) PlanEnable(ctx context.Context, features []Feature) (Plan, error) {
	before, err := m.enabledKeys()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{DropIn: m.dropIn(), Keys: slices.Clone(before), Rows: []Row{}}
	if p.active, err = m.activeKeys(); err != nil {
		return Plan{}, err
	}
	if p.Obstacle, err = m.obstacle(ctx); err != nil {
		return Plan{}, err
	}
	if p.features = features; features == nil {
		p.features, p.all = Features(), true
	}
	for _, t := range p.features {
		if t == Nsswitch {
			m.planNsswitch(ctx, &p)
		} else {
			p.Rows = append(p.Rows, m.planSetting(&p, t))
		}
	}
	p.rewrite = !slices.Equal(p.Keys, before)
	return p, m.planDaemon(ctx, &p)
}

// planSetting returns what becomes of a feature that a key enables.
func (m *Manager) planSetting(p *Plan, feature Feature) Row {
	t := settingOf(feature)
	row := m.describe(feature)
	row.Note = m.blocked(t)
	if !t.off(m.Config) {
		row.Note = m.origin(t.key)
		if name := m.hostname(); feature == Hostname && name != string(m.ID) {
			row.Note += fmt.Sprintf(": it becomes %s when the daemon starts; %s = false keeps %s", m.ID, t.key, name)
		}
	}
	if row.Note != "" {
		row.Becomes = unchanged
		return row
	}
	if feature == Hostname && m.keepsHostname(p) {
		row.Becomes, row.Note = unchanged, m.kept()
		return row
	}
	row.Change, row.Note = true, m.remark(feature, p.features)
	p.Keys = append(p.Keys, t.key)
	return row
}

// blocked returns why a feature that is off cannot be enabled, or "".
func (m *Manager) blocked(t setting) string {
	if why := m.overridden(t.key); why != "" || t.feature != ResolvConf {
		return why
	}
	onPort53 := slices.ContainsFunc(m.Config.Listen, isOnPort53)
	switch {
	case m.Config.ResolvConf.Path == "":
		return "files.resolv_conf is empty; name the file there"
	case !onPort53:
		return "resolv.conf can only name servers on port 53; add one to dns.listen"
	}
	return ""
}

// planNsswitch adds what becomes of nsswitch.conf, and of the socket that
// nss-resolve uses.
func (m *Manager) planNsswitch(ctx context.Context, p *Plan) {
	row := Row{Feature: Nsswitch, Path: m.rooted(machine.Nsswitch)}
	defer func() { p.Rows = append(p.Rows, row) }()
	t := settingOf(Nsswitch)
	off := t.off(m.Config)
	without := m.withoutResolve(ctx, t, off)
	p.resolve = without == ""
	edit, err := m.previewNsswitch(p.resolve)
	if err != nil {
		row.Now, row.Becomes, row.Note = "cannot be edited", unchanged, err.Error()
		return
	}
	row.Now, row.Becomes, row.Note = edit.now, edit.becomes, edit.note
	p.edit, row.Change = edit.change, edit.change
	if without != "" {
		row.Note = "nss-resolve is left out: " + without
		return
	}
	if off {
		p.Keys, row.Change = append(p.Keys, t.key), true
	}
}

// withoutResolve returns why nss-resolve cannot be used, or "".
func (m *Manager) withoutResolve(ctx context.Context, t setting, off bool) string {
	switch {
	case m.Config.Files.Root != "":
		return "its socket is that of this machine, not of files.root"
	case !machine.Machine{}.HasModule(nsswitch.Resolve):
		return "libnss-resolve is not installed"
	case !off:
		return ""
	}
	if why := m.overridden(t.key); why != "" {
		return why
	}
	if isServed(ctx, machine.VarlinkSocket) {
		return "another resolver serves " + machine.VarlinkSocket + "; if it is systemd-resolved, stop it with systemctl disable --now systemd-resolved"
	}
	return ""
}

// planDaemon adds what becomes of the daemon. It is restarted where its
// configuration changes, or where it does not follow that.
func (m *Manager) planDaemon(ctx context.Context, p *Plan) error {
	row := Row{Feature: daemon, Now: "does not run", Becomes: unchanged}
	runs := m.running(ctx)
	if runs {
		row.Now = "runs"
	}
	if !m.systemd() {
		switch {
		case runs && p.rewrite:
			row.Note = "restart it: only a start takes over the changes"
		case !runs:
			row.Note = "start it with what runs it on this machine"
		}
		p.Rows = append(p.Rows, row)
		return nil
	}
	active, enabled, err := machine.UnitState(ctx)
	if err != nil {
		return err
	}
	row.Now = describeUnit(active, enabled)
	if p.restart = p.rewrite || !active || !enabled || !m.followsConfig(ctx); p.restart {
		row.Change, row.Becomes = true, "restarted, and enabled at boot"
	}
	p.Rows = append(p.Rows, row)
	return nil
}

func describeUnit(active, enabled bool) string {
	now := map[bool]string{true: "runs", false: "does not run"}[active]
	return fmt.Sprintf("%s, %s", now, map[bool]string{true: "starts at each boot", false: "does not start at boot"}[enabled])
}
