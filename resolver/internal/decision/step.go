package decision

// Step is one of the steps of a decision.
type Step uint8

// The steps, in their order.
const (
	StepRequest       Step = iota // it is refused before its name is looked at
	StepLocalhost                 // the loopback's names
	StepNodes                     // node IDs, and all below local domains
	StepNodeAddresses             // the reverse names of the nodes' addresses
	StepHostLines                 // the user's lines of the hosts file
	StepFileNames                 // the readable names of files, bare
	StepSearchList                // nodes' names with a domain of the search list
	StepRoutes                    // routes other than the root's
	StepSpecialUse                // special-use names
	StepClusterNames              // the readable names of the cluster's nodes, bare
	StepSingleLabel               // bare host names
	StepUpstreams                 // what is left: for other servers

	Steps // their number
)

// steps describes each step for people: its name, and why a question has passed
// it.
var steps = [Steps]struct{ name, passed string }{
	StepRequest:       {"request", "it is well-formed, of class IN, and no transfer of a zone"},
	StepLocalhost:     {"localhost", "neither below localhost nor the reverse name of a loopback address"},
	StepNodes:         {"zone", "neither a node's name, nor one that only a node could have, nor below a local domain"},
	StepNodeAddresses: {"reverse", "no node has the reverse record of this name, or a line of the hosts file stands before it"},
	StepHostLines:     {"hosts", "no line of the hosts file has it"},
	StepFileNames:     {"name", "no file of nodes has this name, nor the single label that it ends with"},
	StepSearchList:    {"search-list", "it is not a node ID or a name of a file with a domain of the search list, or a route or a line of the hosts file has it"},
	StepRoutes:        {"route", "in no domain of a route"},
	StepSpecialUse:    {"special", "not a name with a meaning of its own"},
	StepClusterNames:  {"cluster-name", "not one label that a node of the cluster has as its name"},
	StepSingleLabel:   {"single-label", "no address of a single label is asked for, or those are forwarded"},
	StepUpstreams:     {name: "upstream"}, // nothing passes it
}

// String is the step in one word.
func (s Step) String() string { return steps[s].name }

// Passed returns why a step did not settle a question.
func (v *Verdict) Passed(s Step) string {
	switch {
	case s != StepHostLines:
	case v.OwnLine:
		return "a line of the hosts file has the name with a loopback address, and it is this machine's own, of which the zone has addresses"
	case v.InHosts:
		return "a line of the hosts file has the name, and says nothing of this type"
	}
	return steps[s].passed
}
