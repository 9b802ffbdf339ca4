package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/doctor"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/zone"
)

func newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find what keeps names from being resolved, and how to fix it",
		Long: `Doctor looks at this machine for what commonly breaks: a port that is taken, the
order of nsswitch.conf, a resolv.conf that names another server, containers that
cannot reach the daemon, files that cannot be written, credentials that expire,
and more. Each finding has its impact and the fix. A cause comes before what may
follow from it, which refers to it: begin at the top. Nothing is changed, and no
daemon is needed.

A "problem" keeps names from being resolved, a "warning" is in the way, and a
"note" is good to know. The exit status is 1 if there is a problem. What only root
may look at is reported to other users as not looked at.

With --json: findings, an array of objects with check, severity, finding, impact,
fix and after, the checks with findings that it may follow from; the worst first,
but behind those. And checks, the number of checks that were made.`,
		Example: `  nodedns doctor
  nodedns doctor --json
  nodedns doctor --list`,
		Args: cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	list := cmd.Flags().Bool("list", false, "list the checks, instead of making them")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out := cmd.OutOrStdout()
		switch {
		case *list && *asJSON:
			return printJSON(out, doctor.Checks())
		case *list:
			return printChecks(out, doctor.Checks())
		}
		findings := doctor.Examine(examined(cmd, settings))
		var err error
		if *asJSON {
			err = printJSON(out, diagnosis{len(doctor.Checks()), findings})
		} else {
			err = printFindings(out, findings)
		}
		if problems := countOf(findings, doctor.Problem); err == nil && problems > 0 {
			err = fmt.Errorf("%s found", numbered(problems, "problem"))
		}
		return err
	}
	return cmd
}

// diagnosis is the output for programs.
type diagnosis struct {
	Checks   int              `json:"checks"`
	Findings []doctor.Finding `json:"findings"`
}

// examined is this machine. An error in the configuration is a finding.
func examined(cmd *cobra.Command, settings *settings) *doctor.Input {
	m := &doctor.Input{Machine: machine.Machine{Proc: "/proc"}, Now: time.Now()}
	if m.Config, m.ConfigError = settings.load(); m.ConfigError != nil {
		m.Config = settings.loadPartial()
	}
	m.Root = m.Config.Files.Root
	m.Probes = doctor.RealProbes(cmd.Context(), m.Root)
	m.ID, m.IdentityError = identify(m.Config)
	status, err := control.NewClient(m.Config.Control.Socket).Status(cmd.Context())
	if err != nil {
		m.StatusError = err
		return m
	}
	m.Status = &status
	if errors.Is(m.IdentityError, fs.ErrPermission) {
		m.ID, m.IdentityError = zone.ID(status.NodeID), nil
	}
	return m
}

func printChecks(w io.Writer, checks []doctor.Check) error {
	t := table{out: w}
	t.row("CHECK", "FINDS THAT")
	for _, c := range checks {
		t.row(c.ID, c.Title)
	}
	return t.flush()
}

func printFindings(w io.Writer, findings []doctor.Finding) error {
	t := table{out: w, colour: isColourful(w)}
	for _, f := range findings {
		t.row(standing(string(f.Severity)), f.Check, wrap(f.Text))
		if len(f.After) > 0 {
			t.row("", "follows", wrap("perhaps from "+strings.Join(f.After, ", ")+" above"))
		}
		t.row("", "impact", wrap(f.Impact))
		t.row("", "fix", wrap(f.Fix))
		t.row("")
	}
	t.row(summary(findings))
	return t.flush()
}

// wrap breaks a text into lines of a width that people can read. A word is never
// cut: it may be a path.
func wrap(text string) string {
	const width = 80
	lines, length := "", 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case length+1+len(word) > width:
			lines, length = lines+"\n", 0
		default:
			lines, length = lines+" ", length+1
		}
		lines, length = lines+word, length+len(word)
	}
	return lines
}

func summary(findings []doctor.Finding) string {
	if len(findings) == 0 {
		return fmt.Sprintf("Nothing found by %d checks.", len(doctor.Checks()))
	}
	var counts []string
	for _, severity := range []doctor.Severity{doctor.Problem, doctor.Warning, doctor.Note} {
		if n := countOf(findings, severity); n > 0 {
			counts = append(counts, numbered(n, string(severity)))
		}
	}
	return strings.Join(counts, ", ") + "."
}

func countOf(findings []doctor.Finding, severity doctor.Severity) int {
	n := 0
	for _, f := range findings {
		if f.Severity == severity {
			n++
		}
	}
	return n
}

// numbered formats a count.
func numbered(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
