package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/verdict"
)

func checkConfiguration(m *Input) []Finding {
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

func checkDaemon(m *Input) []Finding {
	const impact = "the cluster's nodes are not answered for, and the files are not kept"
	switch {
	case m.Status == nil && errors.Is(m.StatusError, control.ErrNotRunning):
		fix := "start it: `systemctl start nodedns`, or `nodedns run`"
		return []Finding{problem("no daemon answers on "+m.Config.Control.Socket, impact, fix)}
	case m.Status == nil && errors.Is(m.StatusError, fs.ErrPermission):
		m.note(m.Config.Control.Socket, m.StatusError)
		return nil
	case m.Status == nil:
		return []Finding{problem(fmt.Sprint(m.StatusError), impact, "look at its log, and restart it")}
	}
	return reasonsOf(m, daemonCheck, reported)
}

// reported is the impact of a reason for which no check has more details.
const reported = "it is what the daemon itself reports as not working"

// curatorCheck is the check of the connection to the cluster.
const curatorCheck = "curator"

// subjects are the checks that report a reason of the daemon's verdict. Some take
// it over by reasonsOf, others look for its cause, and take it over where they find
// none. What is not here is reported by "daemon".
var subjects = map[string]string{
	verdict.NoAddress:           "address",
	verdict.IdentityConflict:    "key",
	verdict.BadCredentials:      curatorCheck,
	verdict.Refused:             curatorCheck,
	verdict.Unauthorized:        curatorCheck,
	verdict.Removed:             curatorCheck,
	verdict.CuratorLost:         curatorCheck,
	verdict.ZoneNotReady:        curatorCheck,
	verdict.AwaitingCredentials: curatorCheck,
	verdict.FileNotWritten:      "files",
	verdict.ResolvConf:          "resolv-conf",
	verdict.UpstreamDown:        "upstreams",
	verdict.UpstreamLooping:     "upstreams",
	verdict.OtherSource:         "upstreams",
}

// reasonsOf are the reasons of the daemon's verdict on the subject of a check.
func reasonsOf(m *Input, check, impact string) []Finding {
	if m.Status == nil {
		return nil
	}
	var findings []Finding
	for _, r := range m.Status.Verdict.Reasons {
		if cmp.Or(subjects[r.Code], daemonCheck) != check {
			continue
		}
		f := problem(r.Text, impact, r.Fix)
		if passing[r.Code] {
			f.Severity = Warning
		}
		findings = append(findings, f)
	}
	return findings
}

// passing are reasons that belong to a start or an enrolment: nothing is broken.
var passing = map[string]bool{
	verdict.Starting: true, verdict.ZoneNotReady: true, verdict.AwaitingCredentials: true,
}

func checkUnit(m *Input) []Finding {
	if m.Probes.Unit == nil || !m.Systemd() {
		return nil
	}
	unit, err := m.Probes.Unit()
	if err != nil || !unit.Loaded {
		return nil // it may be run by other means
	}
	var findings []Finding
	if unit.Active == "failed" {
		findings = append(findings, problem("nodedns.service has failed: "+unit.Result, "it is not started again by itself",
			"`journalctl -u nodedns` has the reason; then `systemctl restart nodedns`"))
	}
	if unit.Enabled == "disabled" {
		findings = append(findings, warning("nodedns.service is not enabled", "it will not run after the next boot",
			"`systemctl enable nodedns`"))
	}
	return findings
}
