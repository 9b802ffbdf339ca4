package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/inspect"
)

// A person may name a node by the beginning of its hex digits, which DNS does
// not know. A name that means something as it stands is never taken for one:
// see isUnknown. Which node a text means otherwise the daemon decides, by the
// order of [control.Found].

// abbreviated returns the ID of the node that a person means by a name that was
// looked up in vain, "" if it means none, and an error if it may mean several.
// Which node it is is reported to stderr: it was not typed.
func abbreviated(ctx context.Context, client *control.Client, name string, stderr io.Writer) (id string, err error) {
	if strings.Contains(name, ".") {
		return "", nil // is for DNS alone
	}
	found, err := client.Find(ctx, name)
	switch {
	case errors.Is(err, control.ErrUnknownRequest): // this daemon takes whole names
		return "", nil
	case err != nil:
		return "", err
	case found.By != control.ByDigits: // it is a node's whole name, and the answer stands
		return "", nil
	case len(found.Nodes) > 1:
		return "", &ambiguousError{name, found}
	}
	n := found.Nodes[0]
	fmt.Fprintf(stderr, "nodedns: %s is the beginning of %s\n", shown(name, false), shown(namesOf(n), false))
	return n.ID, nil
}

// isUnknown reports whether answers are that no rule has a name: not the zone, a
// line of the hosts file, a route or a rule of its own, and no other server.
func isUnknown(answers []inspect.Answer) bool {
	for _, a := range answers {
		switch {
		case len(a.Records) > 0:
			return false
		case a.Step == stepSingleLabel:
		case a.Step == stepUpstream && a.Rcode != "NOERROR":
		default:
			return false
		}
	}
	return true
}

// The steps of a decision at whose end nothing may have a name; see
// [inspect.Provenance].
const (
	stepSingleLabel = "single-label"
	stepUpstream    = "upstream"
)

// ambiguousError is that a text is the beginning of several nodes' digits.
type ambiguousError struct {
	text  string
	found control.Found
}

func (e *ambiguousError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is the beginning of several nodes' IDs; type more of it, or a name:", e.text)
	for _, n := range e.found.Nodes {
		b.WriteString("\n  " + namesOf(n))
	}
	if e.found.More {
		b.WriteString("\n  and more")
	}
	return b.String()
}

// namesOf is a node's ID, and the names that it has beside.
func namesOf(n control.Node) string {
	if len(n.Names) > 0 {
		return fmt.Sprintf("%s (%s)", n.ID, strings.Join(n.Names, ", "))
	}
	return n.ID
}
