package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
)

func lookAtConfiguration(m *Machine) []Finding {
	var findings []Finding
	m.note("the configuration", m.ConfigError)
	m.note("this node's public key", m.IdentityError)
	if m.ConfigError != nil && !errors.Is(m.ConfigError, fs.ErrPermission) {
		findings = append(findings, problem(
			strings.ReplaceAll(m.ConfigError.Error(), "\n", "; "),
			"a daemon does not start with it, and one that runs does not take it at a reload",
			"correct it, and try it with `nodedns check`; what follows goes by what is right of it"))
	}
	if m.IdentityError != nil && !errors.Is(m.IdentityError, fs.ErrPermission) {
		findings = append(findings, problem(m.IdentityError.Error(),
			"without an identity this machine has no name, and the daemon does not start",
			"put the node's public key there, or make one by `nodedns init`"))
	}
	return findings
}

func lookAtDaemon(m *Machine) []Finding {
	const why = "nobody answers for the cluster's nodes, and the files are not kept"
	switch {
	case m.Status == nil && errors.Is(m.StatusError, control.ErrNotRunning):
		mend := "start it: `systemctl start nodedns`, or `nodedns run`"
		return []Finding{problem("no daemon answers on "+m.Config.Control.Socket, why, mend)}
	case m.Status == nil && errors.Is(m.StatusError, fs.ErrPermission):
		m.note(m.Config.Control.Socket, m.StatusError)
		return nil
	case m.Status == nil:
		return []Finding{problem(fmt.Sprint(m.StatusError), why, "look at its log, and restart it")}
	}
	var findings []Finding
	if m.Status.State == nodedns.StateStarting {
		findings = append(findings, warning("the daemon is starting", "not all of it answers yet",
			"wait; if it stays so, its log says what it waits for: `journalctl -u nodedns`"))
	}
	for _, text := range m.Status.Errors {
		if !toldElsewhere(m.Status, text) {
			findings = append(findings, problem(text, "it is what the daemon itself reports as not working",
				"do what the message says; the log tells since when: `journalctl -u nodedns`"))
		}
	}
	return findings
}

// toldElsewhere says whether an error of the status is the subject of a check of
// its own, with more words.
func toldElsewhere(s *nodedns.Status, text string) bool {
	return text == s.Conflict || strings.HasPrefix(text, "upstream ") ||
		s.ResolvConf != nil && text == s.ResolvConf.Error ||
		slices.ContainsFunc(s.Files, func(f nodedns.FileStatus) bool { return f.Error == text })
}

func lookAtUnit(m *Machine) []Finding {
	if m.Probes.Unit == nil || !m.exists("/run/systemd/system") {
		return nil
	}
	unit, err := m.Probes.Unit()
	if err != nil || !unit.Loaded {
		return nil // it may be run by other means
	}
	var findings []Finding
	if unit.Active == "failed" {
		findings = append(findings, problem("nodedns.service has failed: "+unit.Result, "it is not started again by itself",
			"`journalctl -u nodedns` says why; then `systemctl restart nodedns`"))
	}
	if unit.Enabled == "disabled" {
		findings = append(findings, warning("nodedns.service is not enabled", "it will not run after the next boot",
			"`systemctl enable nodedns`"))
	}
	return findings
}
