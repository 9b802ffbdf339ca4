package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nodedns/nodedns"
	"github.com/nodedns/nodedns/resolver"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

func newStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the daemon is doing",
		Long: `Status shows how the daemon is doing: first the verdict with each reason against
it and what to do. The state is "ready" when all that was asked for works,
"waiting" while a node is not enrolled or the cluster's nodes are not known yet,
"degraded" when names are answered and something is wrong, and "starting" before
that.

It exits with 0 when the daemon answers, however it is, and with 1 when it cannot
be asked. With --check it exits with 0 only when the state is ready.

With --json it is one object, whose keys stay and may get company:
  node_id, state, ready, addresses, serial
  verdict          healthy, and as reasons code, text and fix of each
  address_candidates  address, interface, chosen and reason of those that the
                   addresses are chosen from
  nodes            live, departed, quarantined, contested and contested_names
                   (numbers)
  refused          id and reason of the first quarantined entries, if there are any
  conflict         that another machine has this node's key, if one has
  contested        the addresses that several nodes claim, if there are any
  contested_names  the readable names that several nodes claim, with the nodes, and
                   whether one has the name, if there are any
  curator          state, detail, endpoint, connected_since, data_since, cluster,
                   leader, curators, members (id and source of those that
                   may speak for the cluster), accepted, refused, credentials,
                   report and remarks
  node_files       path, nodes, age (in seconds), hash, ignored, problems and
                   error of each file of nodes
  listeners        the addresses that are answered on now, and as
                   listener_status address, state and error of each
  varlink          of the socket for nss-resolve, or null
  files            path, up_to_date, written (by this process) and error of each
  upstreams        their addresses, and as upstream_status how each stands
  hosts_lines      names, ignored and problems of the user's lines
  resolv_conf      path, mode, state, source, overwrites,
                   last_overwritten_by and error, or null
  last_reload      at and error of the last attempt to load the configuration
                   again, if there was one
  errors           the texts of the reasons`,
		Example: `  nodedns status
  nodedns status --json
  nodedns status --check >/dev/null || echo "something is wrong"`,
		Args: cobra.NoArgs,
	}
	settings, asJSON := addSettings(cmd).addControl(), addJSON(cmd)
	check := cmd.Flags().Bool("check", false, "fail unless the state is ready, for scripts")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := settings.client()
		if err != nil {
			return err
		}
		status, err := client.Status(cmd.Context())
		if err != nil {
			return err
		}
		verdict := verdictOf(status)
		if *asJSON {
			err = printJSON(cmd.OutOrStdout(), status)
		} else {
			status.Verdict = verdict
			err = printStatus(cmd.OutOrStdout(), status, time.Now())
		}
		if err == nil && *check && status.State != nodedns.StateReady {
			err = fmt.Errorf("the daemon is %s: %s", status.State, firstReason(verdict))
		}
		return err
	}
	return cmd
}

// verdictOf is the daemon's verdict or, of a daemon before this version that has
// none, what its state and its errors amount to.
func verdictOf(s nodedns.Status) verdict.Verdict {
	v := s.Verdict
	if v.Healthy || v.Reasons != nil {
		return v
	}
	v.Healthy = s.State == nodedns.StateReady
	for _, text := range s.Errors {
		v.Reasons = append(v.Reasons, verdict.Reason{
			Code: "error", Text: text, Fix: "do what the text advises; the daemon is of an earlier version, and advises more after a restart",
		})
	}
	return v
}

func printStatus(w io.Writer, s nodedns.Status, now time.Time) error {
	t := table{out: w, colour: isColourful(w)}
	t.row("verdict", verdictText(s.Verdict))
	if len(s.Verdict.Reasons) > 0 {
		t.row("reasons", reasonsText(s.Verdict))
	}
	if len(s.Curator.Remarks) > 0 {
		t.row(fair.paint("remarks"), strings.Join(s.Curator.Remarks, "\n"))
	}
	t.row("node", s.NodeID)
	t.row("state", standing(s.State))
	if r := s.LastReload; r != nil && r.Error != "" {
		t.row("reload", reloadText(r, now))
	}
	t.row("addresses", orDash(strings.Join(texts(s.Addresses), "\n")))
	t.row("zone", zoneText(s))
	if len(s.Refused) > 0 {
		t.row(fair.paint("refused"), refusedText(s))
	}
	if len(s.Contested) > 0 {
		t.row("contested", strings.Join(s.Contested, "\n"))
	}
	if len(s.ContestedNames) > 0 {
		t.row("contested names", strings.Join(s.ContestedNames, "\n"))
	}
	t.row("curator", curatorText(s.Curator, now))
	if len(s.Curator.Curators) > 0 {
		t.row("leader", leaderText(s.Curator))
	}
	if len(s.Curator.Members) > 0 {
		t.row("control plane", membersText(s.Curator.Members))
	}
	t.row("enrolment", credentialsText(s.Curator.Credentials))
	if s.Curator.Report != (curator.Report{}) {
		t.row("reported", reportText(s.Curator.Report, now))
	}
	if len(s.NodeFiles) > 0 {
		t.row("node files", nodeFilesText(s.NodeFiles, now))
	}
	t.row("listeners", listenersText(s))
	if s.Varlink != nil {
		t.row("varlink", varlinkText(*s.Varlink))
	}
	t.row("upstreams", upstreamsText(s, now))
	if s.HostsLines.Ignored > 0 {
		t.row("hosts lines", hostsLinesText(s.HostsLines))
	}
	if s.ResolvConf != nil {
		t.row("resolving", resolvConfText(*s.ResolvConf))
	}
	t.row("files", filesText(s.Files, now))
	return t.flush()
}

// reloadText is why the configuration on disk is not the one in effect.
func reloadText(r *nodedns.ReloadStatus, now time.Time) string {
	return standing("refused") + " " + age(&r.At, now) + " ago, the configuration before it stays:\n" + r.Error
}

// verdictText names the reasons by their codes, which the manual explains.
func verdictText(v verdict.Verdict) string {
	if v.Healthy {
		return standing("healthy")
	}
	var codes []string
	for _, r := range v.Reasons {
		if !slices.Contains(codes, r.Code) {
			codes = append(codes, r.Code)
		}
	}
	return standing("unhealthy") + ": " + strings.Join(codes, ", ")
}

// reasonsText has of each reason what is wrong, and what to do.
func reasonsText(v verdict.Verdict) string {
	var lines []string
	for _, r := range v.Reasons {
		lines = append(lines, r.Text, "  fix: "+r.Fix)
	}
	return strings.Join(lines, "\n")
}

// firstReason is the first of the reasons, with how many more there are; empty
// without any.
func firstReason(v verdict.Verdict) string {
	switch n := len(v.Reasons); n {
	case 0:
		return ""
	case 1:
		return v.Reasons[0].Text
	default:
		return fmt.Sprintf("%s (and %d more)", v.Reasons[0].Text, n-1)
	}
}

// listenersText lists the listeners; of a daemon that does not report their
// state, the addresses only.
func listenersText(s nodedns.Status) string {
	if len(s.ListenerStatus) == 0 {
		return orDash(strings.Join(texts(s.Listeners), "\n"))
	}
	var lines []string
	for _, l := range s.ListenerStatus {
		switch l.State {
		case listen.Listening:
			lines = append(lines, l.Addr.String())
		case listen.Failed:
			lines = append(lines, l.Addr.String()+", "+standing("failed")+": see above")
		default:
			lines = append(lines, fmt.Sprintf("%s, %s: %s", l.Addr.String(), standing(string(l.State)), l.Error))
		}
	}
	return strings.Join(lines, "\n")
}

func zoneText(s nodedns.Status) string {
	ready := standing("ready")
	if !s.Ready {
		ready = standing("not ready") + ": whether a name that is not in it exists is not known yet"
	}
	return fmt.Sprintf("%s\n%d live, %d departed, %d quarantined, serial %d",
		ready, s.Nodes.Live, s.Nodes.Departed, s.Nodes.Quarantined, s.Serial)
}

// refusedText is how many entries are refused, and the first of them with why.
func refusedText(s nodedns.Status) string {
	lines := []string{fmt.Sprintf("%d entries of the cluster; what was known of these nodes stays", s.Nodes.Quarantined)}
	for _, r := range s.Refused {
		lines = append(lines, fmt.Sprintf("%q: %s", r.ID, r.Reason))
	}
	if more := s.Nodes.Quarantined - len(s.Refused); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

func curatorText(c curator.Status, now time.Time) string {
	first := standing(string(c.State))
	if c.Endpoint != "" {
		first += ", " + c.Endpoint
	}
	if c.ConnectedSince != nil {
		first += ", for " + age(c.ConnectedSince, now)
	}
	lines := []string{first}
	if c.Detail != "" {
		lines = append(lines, c.Detail)
	}
	if !c.Followed() && c.State != curator.StateOff && c.DataSince != nil {
		lines = append(lines, "what is known of the cluster is "+age(c.DataSince, now)+" old")
	}
	return strings.Join(lines, "\n")
}

// nodeFilesText has of each file of nodes what shows whether it is the same on two
// machines, and below it what of it has no effect.
func nodeFilesText(files []nodefile.Status, now time.Time) string {
	var lines []string
	for _, f := range files {
		line := f.Path
		if f.Hash != "" {
			line += fmt.Sprintf(", %d nodes, %s", f.Nodes, f.Hash)
		}
		if f.Age != nil {
			modified := now.Add(-time.Duration(*f.Age) * time.Second)
			line += ", modified " + age(&modified, now) + " ago"
		}
		if f.Error != "" {
			line += ", " + bad.paint("unusable") + ": see above"
		}
		lines = append(lines, line)
		for _, problem := range f.Problems {
			lines = append(lines, "  "+fair.paint("no effect")+": "+problem)
		}
		if more := f.Ignored - len(f.Problems); more > 0 {
			lines = append(lines, fmt.Sprintf("  and %d more", more))
		}
	}
	return strings.Join(lines, "\n")
}

// leaderText is the leader, and what each curator reports about it.
func leaderText(c curator.Status) string {
	lines := []string{orDash(string(c.Leader))}
	for _, report := range c.Curators {
		line := report.Endpoint + ": "
		switch {
		case report.Error != "":
			line += fair.paint("no report") + ": " + report.Error
		case report.Leader == "":
			line += "names no leader"
		case report.Leader == report.ID:
			line += "leads"
		default:
			line += "names " + string(report.Leader)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// membersText is which nodes may act as curators, and why.
func membersText(members []curator.Member) string {
	lines := make([]string, len(members))
	for i, m := range members {
		lines[i] = string(m.ID) + ", " + m.Source
	}
	return strings.Join(lines, "\n")
}

func credentialsText(c curator.CredentialsStatus) string {
	if c.Detail == "" {
		return orDash(standing(c.State))
	}
	return standing(c.State) + ": " + c.Detail
}

func reportText(r curator.Report, now time.Time) string {
	var lines []string
	if r.Address.IsValid() {
		lines = append(lines, r.Address.String()+", "+age(&r.At, now)+" ago")
	}
	if r.Error != "" {
		lines = append(lines, bad.paint("failing")+": "+r.Error)
	}
	return strings.Join(lines, "\n")
}

func varlinkText(v nodedns.VarlinkStatus) string {
	if v.Error != "" {
		return v.Socket + ", not served: see above"
	}
	return fmt.Sprintf("%s, %d open", v.Socket, v.Connections)
}

// upstreamsText lists the servers; of a daemon that does not report their
// state, the addresses only.
func upstreamsText(s nodedns.Status, now time.Time) string {
	if len(s.UpstreamStatus) == 0 {
		return orDash(strings.Join(s.Upstreams, "\n"))
	}
	var lines []string
	for _, u := range s.UpstreamStatus {
		lines = append(lines, upstreamText(u, now))
	}
	return strings.Join(lines, "\n")
}

func upstreamText(u upstream.Status, now time.Time) string {
	text := u.Server
	if len(u.Routes) > 0 {
		text += ", for " + strings.Join(u.Routes, " ")
		if u.General {
			text += " and all else"
		}
	}
	switch {
	case u.State == upstream.Unknown:
		return text + ", not asked yet"
	case u.State != upstream.Good:
		text += fmt.Sprintf(", %s for %s%s", standing(u.State.String()), age(&u.Since, now), reasonText(u.Reason))
	case u.RTT > 0:
		text += fmt.Sprintf(", %s, %v", standing("good"), u.RTT)
	default:
		text += ", " + standing("good")
	}
	if !u.EDNS {
		text += ", without EDNS"
	}
	return text
}

func hostsLinesText(h resolver.HostsSummary) string {
	lines := []string{fmt.Sprintf("%d of the hosts file do not count in the DNS", h.Ignored)}
	lines = append(lines, h.Problems...)
	if more := h.Ignored - len(h.Problems); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// filesText lists the files, those in a wrong state first.
func filesText(files []hostsfile.FileStatus, now time.Time) string {
	var wrong, ok []string
	for _, f := range files {
		switch {
		case f.Error != "":
			wrong = append(wrong, f.Path+", "+bad.paint("wrong")+": see above")
		case f.Written != nil:
			ok = append(ok, f.Path+", written "+age(f.Written, now)+" ago")
		case f.UpToDate:
			ok = append(ok, f.Path+", up to date")
		default:
			ok = append(ok, f.Path+", not written yet")
		}
	}
	return orDash(strings.Join(append(wrong, ok...), "\n"))
}

// resolvConfText is which server answers this machine's programs, and where its
// own servers come from.
func resolvConfText(r resolvconf.Status) string {
	var first string
	switch r.State {
	case resolvconf.StateStub:
		first = "points at nodedns"
	case resolvconf.StateWaiting:
		first = "does not point at nodedns yet: see above"
	case resolvconf.StateContested:
		first = "was overwritten, and is taken back soon"
	case resolvconf.StateLeft:
		first = "left to the program that overwrote it: see above"
	default:
		first = "only read"
	}
	lines := []string{r.Path + ", " + first, "the machine's own servers: " + cmp.Or(r.Source, "none that can be used")}
	for _, a := range r.Alternatives {
		lines = append(lines, fmt.Sprintf("they do not answer, and these do: %s, of %s", strings.Trim(fmt.Sprint(a.Servers), "[]"), a.Source))
	}
	if r.Overwrites > 0 {
		lines = append(lines, fmt.Sprintf("overwritten %d times, last by %s", r.Overwrites, r.LastOverwrittenBy))
	}
	return strings.Join(lines, "\n")
}
