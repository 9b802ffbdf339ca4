package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/inspect"
	"github.com/nodedns/nodedns/zone/changelog"
)

// eventTable shows events to people, one line for each as it comes.
type eventTable struct {
	table
	in    *time.Location
	begun bool
}

func newEventTable(w io.Writer, in *time.Location) *eventTable {
	// Lines are not held back to find the widths, so the usual ones are there
	// from the beginning: of a time, of loopback clients and of nodes' names.
	return &eventTable{table: table{out: w, colour: isColourful(w), widths: []int{12, 15, 5, 43, 5, 8, 8, 8}}, in: in}
}

func (t *eventTable) show(e control.Event) error {
	if !t.begun {
		t.begun = true
		t.row("TIME", "CLIENT", "BY", "NAME", "TYPE", "RESULT", "TOOK", "SOURCE", "REMARKS")
	}
	at := e.Time.In(t.in).Format("15:04:05.000")
	switch {
	case e.Query != nil:
		t.query(at, e.Query)
	case e.Zone != nil:
		t.row(at, "zone", changeText(e.Zone))
	case e.Dropped > 0:
		t.row(at, fair.paint("dropped"), fmt.Sprintf("%d queries, which came too fast to be shown", e.Dropped))
	}
	return t.flush()
}

func (t *eventTable) query(at string, q *inspect.QueryEntryText) {
	name := strings.TrimSuffix(q.Name, ".")
	if q.Name == "." {
		name = q.Name
	}
	var remarks []string
	if q.Server != "" {
		remarks = append(remarks, "by "+q.Server)
	}
	for _, e := range q.Errors {
		remarks = append(remarks, remark(e))
	}
	t.row(at, orDash(q.Client), q.Transport, orDash(name), orDash(q.Type), standing(outcomeOf(q)), tookText(q.Duration), q.Source,
		strings.Join(remarks, "; "))
}

// outcomeOf is the response code, or NODATA where there is none for that.
func outcomeOf(q *inspect.QueryEntryText) string {
	if q.Rcode == "NOERROR" && len(q.Records) == 0 {
		return "NODATA"
	}
	return q.Rcode
}

// tookText is a duration to three or four digits: more are noise.
func tookText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < time.Second:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(10 * time.Millisecond).String()
	}
}

// changeText is a change of the zone in words.
func changeText(c *changelog.Change) string {
	switch c.Kind {
	case changelog.Ready:
		return standing("ready") + ": a name that is not in the zone is known not to exist"
	case changelog.NotReady:
		return standing("not ready") + ": whether a name that is not in the zone exists is not known"
	case changelog.ClusterFound:
		return standing("connected") + " to the cluster"
	case changelog.ClusterLost:
		return bad.paint("lost") + " the cluster"
	case changelog.Renamed:
		return "other names: " + nodesText(c)
	case changelog.Local:
		return "this machine's addresses: " + nodesText(c)
	}
	noun := "nodes"
	if c.Count == 1 {
		noun = "node"
	}
	return fmt.Sprintf("%d %s %s: %s", c.Count, noun, c.Kind, nodesText(c))
}

// nodesText names the nodes of a change, as far as they are known.
func nodesText(c *changelog.Change) string {
	var named []string
	for _, n := range c.Nodes {
		details := strings.Join(texts(n.Addresses), " ")
		if c.Kind == changelog.Renamed {
			details = orDash(strings.Join(n.Names, " "))
		}
		named = append(named, strings.TrimSpace(string(n.ID)+" "+details))
	}
	text := strings.Join(named, ", ")
	if more := c.Count - len(c.Nodes); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
