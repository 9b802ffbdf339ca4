package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// unit is the service of the packages.
const unit = "nodedns.service"

const (
	// systemctlTimeout bounds one call of systemctl: starting the daemon takes
	// it less than a second, but systemd may have others to wait for.
	systemctlTimeout = 90 * time.Second
	// showTimeout bounds a query of the state.
	showTimeout = 5 * time.Second
)

// Systemd reports whether systemd is the machine's service manager.
func (m Machine) Systemd() bool { return m.Exists("/run/systemd/system") }

// HasUnit reports whether systemd can run the daemon.
func (m Machine) HasUnit() bool {
	return m.Systemd() && m.Exists(
		"/etc/systemd/system/"+unit, "/usr/local/lib/systemd/system/"+unit, "/usr/lib/systemd/system/"+unit, "/lib/systemd/system/"+unit)
}

// Systemctl runs systemctl(1), with the unit as the last argument.
func Systemctl(ctx context.Context, verb ...string) error {
	ctx, cancel := context.WithTimeout(ctx, systemctlTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemctl", append(verb, unit)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s; see journalctl -u %s", cmd, err, bytes.TrimSpace(output.Bytes()), unit)
	}
	return nil
}

// unitIs runs a systemctl query that is answered by the exit status.
func unitIs(ctx context.Context, question string) (bool, error) {
	err := Systemctl(ctx, question, "--quiet")
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return false, nil
	}
	return err == nil, err
}

// UnitState is whether the service runs, and whether it does at each boot.
func UnitState(ctx context.Context) (active, enabled bool, err error) {
	active, err = unitIs(ctx, "is-active")
	if err != nil {
		return false, false, err
	}
	enabled, err = unitIs(ctx, "is-enabled")
	return active, enabled, err
}

// Unit is the service in systemd, in the terms of systemctl(1).
type Unit struct {
	Loaded  bool   // there is such a unit
	Active  string // active, failed, ...
	Enabled string // enabled, disabled, ...
	Result  string // why it failed
}

// ShowUnit asks systemd for the service.
func ShowUnit(ctx context.Context) (Unit, error) {
	ctx, cancel := context.WithTimeout(ctx, showTimeout)
	defer cancel()
	text, err := exec.CommandContext(ctx, "systemctl", "show", unit,
		"--property=LoadState,ActiveState,UnitFileState,Result").Output()
	if err != nil {
		return Unit{}, fmt.Errorf("ask systemd for %s: %w", unit, err)
	}
	return parseUnit(string(text)), nil
}

func parseUnit(text string) Unit {
	var u Unit
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "LoadState":
			u.Loaded = value == "loaded"
		case "ActiveState":
			u.Active = value
		case "UnitFileState":
			u.Enabled = value
		case "Result":
			u.Result = value
		}
	}
	return u
}
