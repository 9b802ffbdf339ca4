package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/nss"
	"github.com/nodedns/nodedns/resolver"
)

// print shows an explanation to people: what happens, in the order in which it
// does, and at the end what comes of it.
func (e *explained) print(w io.Writer, now time.Time) error {
	p := &page{out: w}
	if e.Library != nil {
		e.Library.print(p)
	}
	for _, group := range courses(e.Explanations) {
		printCourse(p, group)
	}
	if answers := e.answers(); len(answers) > 0 {
		p.section("What the daemon answers")
		if p.err == nil {
			p.err = printAnswers(indented{w}, isColourful(w), "", answers, now) // the hint would lead back to here
		}
	}
	printPredictions(p, e.Predictions)
	return p.err
}

// courses groups the explanations that take the same course, so that it is told
// once.
func courses(explanations []resolver.Explanation) (groups [][]resolver.Explanation) {
	same := func(a, b resolver.ExplainedStep) bool { return a.Step == b.Step && a.Outcome == b.Outcome }
	for _, x := range explanations {
		i := slices.IndexFunc(groups, func(g []resolver.Explanation) bool { return slices.EqualFunc(g[0].Steps, x.Steps, same) })
		if i < 0 {
			groups = append(groups, []resolver.Explanation{x})
		} else {
			groups[i] = append(groups[i], x)
		}
	}
	return groups
}

// answers are those that the explanations end with.
func (e *explained) answers() (answers []resolver.Answer) {
	for _, x := range e.Explanations {
		if x.Answer != nil {
			answers = append(answers, *x.Answer)
		}
	}
	return answers
}

// page is a text of sections, each with a table.
type page struct {
	out   io.Writer
	begun bool
	err   error
}

// section begins another section.
func (p *page) section(format string, values ...any) {
	if p.begun && p.err == nil {
		_, p.err = fmt.Fprintln(p.out)
	}
	p.begun = true
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.out, shown(fmt.Sprintf(format, values...), false))
	}
}

// rows writes the table of a section.
func (p *page) rows(rows [][]string) {
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

func (r *libraryReport) print(p *page) {
	switch {
	case r.Error != "":
		p.section("The C library finds nothing: /etc/nsswitch.conf, %s", r.Error)
		return
	case r.Number == 0:
		p.section("The C library, by default: %s", r.Line)
	default:
		p.section("The C library, by line %d of /etc/nsswitch.conf: %s", r.Number, orDash(r.Line))
	}
	rows := [][]string{{"SERVICE", "SAYS", "THEN", "WHY"}}
	var tried []nss.Tried
	for _, s := range r.Services {
		rows = append(rows, []string{s.Service, standing(s.Status), orDash(s.Action), s.Why})
		tried = append(tried, s.Tried...)
	}
	for _, name := range r.NotAsked {
		rows = append(rows, []string{name, "-", "-", "not reached"})
	}
	p.rows(rows)
	if len(tried) == 0 {
		return
	}
	p.section("By DNS, as /etc/resolv.conf says: %s", r.resolvConf())
	rows = [][]string{{"NAME", "TYPE", "GETS", "FROM"}}
	for _, t := range tried {
		gets := standing(t.Rcode)
		switch {
		case t.Rcode == "":
			gets = standing(string(resolver.NotAsked))
		case t.Count == 1:
			gets += ", 1 record"
		case t.Count > 1:
			gets += fmt.Sprintf(", %d records", t.Count)
		}
		rows = append(rows, []string{t.Name, t.Type, gets, orDash(t.From)})
	}
	p.rows(rows)
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

// printCourse shows the steps of decisions that take the same course, and the
// servers that it leads to.
func printCourse(p *page, group []resolver.Explanation) {
	x, types := group[0], []string{}
	for _, other := range group {
		types = append(types, other.Type)
	}
	p.section("The daemon, asked for %s %s", x.Name, strings.Join(types, ", "))
	rows := [][]string{{"STEP", "OUTCOME", "WHY"}}
	for i, s := range x.Steps {
		rows = append(rows, []string{s.Step, standing(string(s.Outcome)), orDash(whys(group, i))})
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

// whys are the reasons of a step in several explanations, told apart if they
// differ.
func whys(group []resolver.Explanation, step int) string {
	var lines []string
	same := true
	for _, x := range group {
		same = same && x.Steps[step].Why == group[0].Steps[step].Why
		lines = append(lines, x.Type+": "+x.Steps[step].Why)
	}
	if same {
		return group[0].Steps[step].Why
	}
	return strings.Join(lines, "\n")
}

func printPredictions(p *page, predictions []nss.Prediction) {
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
		}
		rows = append(rows, []string{c.Command, finds, from})
	}
	p.rows(rows)
}
