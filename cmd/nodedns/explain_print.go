package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nss"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/watchers/netlink"
)

// print shows an explanation to people: what happens, in the order in which it
// does, and at the end what comes of it.
func (e *explained) print(w io.Writer, now time.Time) error {
	p := &report{out: w}
	if e.Library != nil {
		e.Library.print(p)
	}
	shown, asked := e.decisive(), e.reachesDaemon()
	for _, group := range groupBySteps(shown) {
		printGroup(p, group, asked)
	}
	if answers := answersOf(shown); len(answers) > 0 && !e.denied(answers) {
		title := "What the daemon answers"
		if !asked {
			title = "What the daemon would answer"
		}
		p.section("%s", title)
		if p.err == nil {
			p.err = printAnswers(indented{w}, isColourful(w), "", answers, now) // the hint would lead back to here
		}
	}
	printCandidates(p, e.Candidates)
	printPredictions(p, e.given(), e.Predictions)
	return p.err
}

// printCandidates shows why this node's addresses are those, and not others.
func printCandidates(p *report, candidates []netlink.Candidate) {
	if len(candidates) == 0 {
		return
	}
	p.section("How this node's addresses are chosen")
	rows := make([][]string, 0, len(candidates))
	for _, c := range candidates {
		verdict := "left"
		if c.Chosen {
			verdict = "chosen"
		}
		rows = append(rows, []string{c.Address.String(), orDash(c.Interface), verdict, c.Reason})
	}
	p.rows(rows)
}

// decisive are the explanations of the relevant name: the one that a search
// list found, else the name as it was given. The answer to another question
// than the one that was decisive would contradict what a program gets.
func (e *explained) decisive() (shown []inspect.Explanation) {
	name := e.given()
	if p := e.found(); p != nil && p.As != "" {
		name = p.As
	}
	for _, x := range e.Explanations {
		if isName(x.Name, name) {
			shown = append(shown, x)
		}
	}
	return shown
}

// reachesDaemon reports whether a program's lookup reaches the daemon at all.
func (e *explained) reachesDaemon() bool {
	p := e.found()
	return e.Library == nil || p != nil && p.As != "" ||
		slices.ContainsFunc(e.Library.Services, func(s nss.Result) bool { return len(s.Tried) > 0 })
}

// denied reports whether the answers have nothing of what is found elsewhere:
// then the daemon's answer is not decisive, and is in the steps already.
func (e *explained) denied(answers []inspect.Answer) bool {
	p := e.found()
	return p != nil && p.As == "" && len(answers[mostInformative(answers)].Records) == 0
}

// given is the name that is queried without a search list.
func (e *explained) given() string {
	if len(e.Explanations) == 0 {
		return e.Name
	}
	return e.Explanations[0].Name
}

// groupBySteps groups the explanations that take the same course, so that it is
// printed once.
func groupBySteps(explanations []inspect.Explanation) (groups [][]inspect.Explanation) {
	same := func(a, b inspect.ExplainedStep) bool { return a.Step == b.Step && a.Outcome == b.Outcome }
	for _, x := range explanations {
		i := slices.IndexFunc(groups, func(g []inspect.Explanation) bool { return slices.EqualFunc(g[0].Steps, x.Steps, same) })
		if i < 0 {
			groups = append(groups, []inspect.Explanation{x})
		} else {
			groups[i] = append(groups[i], x)
		}
	}
	return groups
}

// answersOf are those that explanations end with.
func answersOf(explanations []inspect.Explanation) (answers []inspect.Answer) {
	for _, x := range explanations {
		if x.Answer != nil {
			answers = append(answers, *x.Answer)
		}
	}
	return answers
}

// report is a text of sections, each with a table.
type report struct {
	out   io.Writer
	begun bool
	err   error
}

// section begins another section.
func (p *report) section(format string, values ...any) {
	if p.begun && p.err == nil {
		_, p.err = fmt.Fprintln(p.out)
	}
	p.begun = true
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.out, shown(fmt.Sprintf(format, values...), false))
	}
}

// rows writes the table of a section.
func (p *report) rows(rows [][]string) {
	if p.err != nil {
		return
	}
	t := table{out: indented{p.out}, colour: isColourful(p.out)}
	for _, row := range rows {
		t.row(row...)
	}
	p.err = t.flush()
}

// indented writes lines with an indentation. Each write is some whole lines.
type indented struct{ io.Writer }

func (w indented) Write(text []byte) (int, error) {
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if line != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	if _, err := io.WriteString(w.Writer, b.String()); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (r *libraryReport) print(p *report) {
	switch {
	case r.Error != "":
		p.section("The C library finds nothing: /etc/nsswitch.conf, %s", r.Error)
		return
	case r.Number == 0:
		p.section("The C library, by default: %s", r.Line)
	default:
		p.section("The C library, by line %d of /etc/nsswitch.conf: %s", r.Number, orDash(r.Line))
	}
	rows := [][]string{{"SERVICE", "STATUS", "THEN", "WHY"}}
	for _, s := range r.Services {
		rows = append(rows, []string{s.Service, standing(s.Status), orDash(s.Action), s.Reason})
	}
	for _, name := range r.NotAsked {
		rows = append(rows, []string{name, "-", "-", "not reached"})
	}
	p.rows(rows)
	for _, s := range r.Services {
		switch {
		case len(s.Tried) == 0:
			continue
		case s.Service == nsswitch.Resolve:
			p.section("By nss-resolve, which asks nodedns: %s", searchText(s))
		default:
			p.section("Over DNS, as /etc/resolv.conf says: %s", r.resolvConf())
		}
		p.rows(triedRows(s))
	}
}

// triedRows are the queries that a service sends to the daemon, and the names
// of the search list that it does not reach.
func triedRows(s nss.Result) [][]string {
	rows := [][]string{{"NAME", "TYPE", "GETS", "FROM", "STEP", "WHY"}}
	for _, t := range s.Tried {
		gets := standing(t.Rcode)
		switch {
		case t.Rcode == "":
			gets = standing(string(inspect.NotAsked))
		case t.Count == 1:
			gets += ", 1 record"
		case t.Count > 1:
			gets += fmt.Sprintf(", %d records", t.Count)
		}
		rows = append(rows, []string{t.Name, t.Type, gets, orDash(t.From), orDash(t.Step), orDash(t.Reason)})
	}
	for _, name := range s.Names {
		if !slices.ContainsFunc(s.Tried, func(t nss.Tried) bool { return isName(t.Name, name) }) {
			rows = append(rows, []string{name, "-", standing(string(inspect.NotReached)), "-", "-", "-"})
		}
	}
	return rows
}

// searchText is the search list that nodedns applies for nss-resolve.
func searchText(s nss.Result) string {
	switch {
	case s.Search == nil || len(s.Search.Domains) == 0:
		return "no search list"
	case len(s.Names) == 1:
		return fmt.Sprintf("without the search list, since the name is complete or decided on here (%s, ndots:%d)",
			strings.Join(s.Search.Domains, " "), s.Search.Dots)
	}
	return fmt.Sprintf("search %s, ndots:%d", strings.Join(s.Search.Domains, " "), s.Search.Dots)
}

func (r *libraryReport) resolvConf() string {
	text := "nameserver"
	for _, server := range r.Servers {
		text += " " + server.Addr().String()
	}
	if len(r.Search) == 0 {
		return text + ", no search list"
	}
	return fmt.Sprintf("%s, search %s, ndots:%d", text, strings.Join(r.Search, " "), r.Dots)
}

// printGroup shows the steps of decisions that take the same course, and the
// servers that it leads to.
func printGroup(p *report, group []inspect.Explanation, asked bool) {
	x, types := group[0], []string{}
	for _, other := range group {
		types = append(types, other.Type)
	}
	title := "The daemon, asked for %s %s"
	if !asked {
		title = "The daemon, which is not asked here, would decide on %s %s"
	}
	p.section(title, x.Name, strings.Join(types, ", "))
	rows := [][]string{{"STEP", "OUTCOME", "WHY"}}
	for i, s := range x.Steps {
		rows = append(rows, []string{s.Step, standing(string(s.Outcome)), orDash(reasons(group, i))})
	}
	p.rows(rows)
	if len(x.Upstreams) == 0 {
		return
	}
	p.section("The servers for it, the first to be asked in front")
	rows = [][]string{{"SERVER", "STATE", "RTT", "REMARK"}}
	for _, u := range x.Upstreams {
		rtt := ""
		if u.RTT > 0 {
			rtt = u.RTT.Round(10 * time.Microsecond).String()
		}
		rows = append(rows, []string{u.Server, standing(u.State), orDash(rtt), orDash(u.Reason)})
	}
	p.rows(rows)
}

// reasons are the reasons of a step in several explanations, labelled if they
// differ.
func reasons(group []inspect.Explanation, step int) string {
	var lines []string
	same := true
	for _, x := range group {
		same = same && x.Steps[step].Reason == group[0].Steps[step].Reason
		lines = append(lines, x.Type+": "+x.Steps[step].Reason)
	}
	if same {
		return group[0].Steps[step].Reason
	}
	return strings.Join(lines, "\n")
}

func printPredictions(p *report, name string, predictions []nss.Prediction) {
	if len(predictions) == 0 {
		return
	}
	p.section("What a program gets")
	rows := [][]string{{"COMMAND", "FINDS", "FROM"}}
	for _, c := range predictions {
		finds, from := strings.Join(c.Found, "\n"), orDash(c.Service)
		switch {
		case c.Unknown != "":
			finds, from = "not known", c.Unknown
		case len(c.Found) == 0:
			finds = "nothing (exit status 2)"
		case c.As != "" && !isName(c.As, name):
			from += ", as " + c.As
		}
		rows = append(rows, []string{c.Command, finds, from})
	}
	p.rows(rows)
}
