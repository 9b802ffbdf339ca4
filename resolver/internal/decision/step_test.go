package decision

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Each rule of the order in which names are resolved, and the step that has it.
func TestStep(t *testing.T) {
	f := populated(t)
	full := withHostsAndRoutes(t, f.view(t))
	bare := f.view(t) // no lines, and no route for all names
	f.reach = ReachPrivate
	private := f.view(t)
	f.reach = ReachNone
	none := f.view(t)
	for name, tt := range map[string]struct {
		view        *View
		name, qtype string
		want        Step
	}{
		"localhost":                          {full, "localhost", "A", StepLocalhost},
		"below localhost":                    {full, "db.localhost", "MX", StepLocalhost},
		"the reverse of 127.0.0.1":           {full, "1.0.0.127.in-addr.arpa", "PTR", StepLocalhost},
		"a node":                             {full, both, "A", StepNodes},
		"a family that it lacks":             {full, onlyFour, "AAAA", StepNodes},
		"our own name":                       {full, local, "A", StepNodes},
		"no node of node-ID shape":           {full, stranger, "A", StepNodes},
		"below a node":                       {full, "www." + both, "A", StepNodes},
		"a local domain":                     {full, "nodes.example", "SOA", StepNodes},
		"a node with a search domain":        {full, onlyFour + ".corp.example", "A", StepSearchList},
		"one that a line has":                {full, both + ".corp.example", "AAAA", StepHostLines},
		"one that a route has":               {full, onlyFour + ".lab.example", "A", StepRoutes},
		"departed":                           {full, gone, "A", StepNodes},
		"ANY of a node":                      {full, both, "ANY", StepNodes},
		"a node's address":                   {full, "11.0.0.10.in-addr.arpa", "PTR", StepNodeAddresses},
		"one that a line has too":            {full, "10.0.0.10.in-addr.arpa", "PTR", StepHostLines},
		"our address, which a line has too":  {full, "1.0.0.10.in-addr.arpa", "PTR", StepNodeAddresses},
		"a line":                             {full, "printer", "A", StepHostLines},
		"a line's address":                   {full, "7.1.168.192.in-addr.arpa", "PTR", StepHostLines},
		"a family that a line lacks":         {full, "printer", "AAAA", StepHostLines},
		"another type of a line's name":      {full, "printer", "MX", StepUpstreams},
		"of a special name with a line":      {full, "printer.local", "TXT", StepSpecialUse},
		"a loopback address with a line":     {full, "1.1.0.127.in-addr.arpa", "PTR", StepHostLines},
		"one without":                        {full, "2.1.0.127.in-addr.arpa", "PTR", StepLocalhost},
		"a route":                            {full, "www.lab.example", "A", StepRoutes},
		"a route without servers":            {full, "void.example", "A", StepRoutes},
		"a route for a special name":         {full, "x.onion", "A", StepRoutes},
		"invalid":                            {full, "x.invalid", "A", StepSpecialUse},
		"local":                              {full, "other.local", "A", StepSpecialUse},
		"resolver.arpa":                      {full, "_dns.resolver.arpa", "SVCB", StepSpecialUse},
		"home.arpa":                          {full, "nas.home.arpa", "A", StepUpstreams},
		"a private address":                  {bare, "99.0.0.10.in-addr.arpa", "PTR", StepSpecialUse},
		"a private address, private servers": {private, "99.0.0.10.in-addr.arpa", "PTR", StepSpecialUse},
		"a single label":                     {bare, "scanner", "A", StepSingleLabel},
		"another type of one":                {bare, "scanner", "MX", StepUpstreams},
		"everything else":                    {bare, "www.example.org", "A", StepUpstreams},
		"by the root's route":                {full, "www.example.org", "A", StepUpstreams},
		"without upstreams":                  {none, "www.example.org", "A", StepUpstreams},
	} {
		t.Run(name, func(t *testing.T) {
			v := Decide(question(t, tt.name, tt.qtype), tt.view)
			if v.Step != tt.want {
				t.Errorf("settled by %v, want %v: %s", v.Step, tt.want, v.Reason)
			}
			for step := range v.Step {
				if v.Passed(step) == "" {
					t.Errorf("nothing is said of passing %v", step)
				}
			}
			if got := v.Passed(StepHostLines) != steps[StepHostLines].passed; got != v.InHosts {
				t.Errorf("that a line has the name is told: %t, want %t", got, v.InHosts)
			}
		})
	}
}

// Why something is forwarded is not forgotten when the cache has it.
func TestForwardingOfWhatIsCached(t *testing.T) {
	view := withHostsAndRoutes(t, populated(t).view(t))
	q := question(t, "www.lab.example", "A")
	withCache(t, view, q, dns.RcodeNameError, time.Second)
	v := Decide(q, view)
	if v.Kind != Cached || v.Step != StepRoutes || v.Forwarding() != "a route has the name" || v.Reason == v.Forwarding() {
		t.Errorf("got %+v, forwarded since %s", v, v.Forwarding())
	}
}
