package doctor

import (
	"fmt"
	"time"

	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
)

// recently is how long ago a node was refused that is still connecting: each
// endpoint is tried again within seconds.
const recently = time.Minute

// checkControlPlane finds curators that were trusted without being entitled,
// and nodes that answer as curators and are not. The verdict reports that there
// is no other curator.
func checkControlPlane(m *Input) []Finding {
	if m.Status == nil {
		return nil
	}
	var findings []Finding
	c := &m.Status.Curator
	if a := c.Accepted; a != nil {
		seen := fmt.Sprintf("node %s was believed as a curator: %s", a.ID, a.Why)
		where := "the dialer"
		if a.Endpoint != "" {
			where = a.Endpoint
		}
		impact := "any node of the cluster that answers at " + where + " would have been, and what it reports of other nodes is answered"
		f := note(seen, impact, curator.PinAdvice(a.Endpoint, a.ID))
		if a.Why == curator.Recovery {
			f.Severity = Warning
		}
		findings = append(findings, f)
	}
	if m.Status.Verdict.Has(verdict.Unauthorized) {
		return findings
	}
	for _, r := range c.Refusals {
		if m.Now.Sub(r.At) < recently {
			findings = append(findings, warning(r.Text, "it is ignored; the others are followed",
				"if it is no curator, correct the endpoint that leads to it"))
		}
	}
	return findings
}
