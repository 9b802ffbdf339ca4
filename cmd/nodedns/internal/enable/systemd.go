package enable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// unit is the service of the packages.
const unit = "nodedns.service"

// systemctlTimeout bounds one call of systemctl: starting the daemon takes it less
// than a second, but systemd may have others to wait for.
const systemctlTimeout = 90 * time.Second

// systemd reports whether the daemon is run by it.
func (m *Machine) systemd() bool {
	return !m.NoStart && m.exists("/run/systemd/system") && m.exists(
		"/etc/systemd/system/"+unit, "/usr/local/lib/systemd/system/"+unit, "/usr/lib/systemd/system/"+unit, "/lib/systemd/system/"+unit)
}

// systemctl runs it, with the unit as the last argument.
func systemctl(ctx context.Context, verb ...string) error {
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

// unitIs asks systemctl a question that its exit status answers.
func unitIs(ctx context.Context, question string) (bool, error) {
	err := systemctl(ctx, question, "--quiet")
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return false, nil
	}
	return err == nil, err
}

// unitState is whether the service runs, and whether it does at each boot.
func unitState(ctx context.Context) (active, enabled bool, err error) {
	active, err = unitIs(ctx, "is-active")
	if err != nil {
		return false, false, err
	}
	enabled, err = unitIs(ctx, "is-enabled")
	return active, enabled, err
}
