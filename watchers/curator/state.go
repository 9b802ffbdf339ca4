package curator

// State is the state of a [Watcher].
type State string

// The states of a Watcher. The zone keeps its nodes in all of them. What each
// means, and what follows it, is in the table of [States].
const (
	StateOff                 State = "off"
	StateAwaitingCredentials State = "waiting for credentials"
	StateBadCredentials      State = "bad credentials"
	StateConnecting          State = "connecting"
	StateSyncing             State = "syncing"
	StateConnected           State = "connected"
	StateRemoved             State = "removed"
	StateBackingOff          State = "backing off"
	StateRefused             State = "refused"
	StateUnauthorized        State = "unauthorized"
)

// description is one row of the table of states.
type description struct {
	State State
	// Meaning of the state, as a sentence.
	Meaning string
	// Seen is what shows of it, besides its name in the status.
	Seen string
	// Next are the states that can follow, with what leads there.
	Next []transition
}

// transition is one way out of a state.
type transition struct {
	To    State
	Cause string
}

// Transitions that several states have. The first four are levels that the plan
// is made of, so that they lead there from any state.
var (
	toOff          = transition{StateOff, "there is neither an endpoint nor a dialer, or the end has come"}
	toAwait        = transition{StateAwaitingCredentials, "there are endpoints, and not all of the credentials' files"}
	toBad          = transition{StateBadCredentials, "there are endpoints, and credentials that cannot be used"}
	toConnect      = transition{StateConnecting, "there are endpoints and usable credentials, or a dialer"}
	toRefused      = transition{StateRefused, "a curator refuses us, or is not of the credentials' cluster"}
	toBackOff      = transition{StateBackingOff, "no curator delivers a stream"}
	toUnauthorized = transition{StateUnauthorized, "a node of the cluster answers that may not speak for it"}
	toDropped      = transition{StateUnauthorized, "the backlog does not list its sender as consensus member"}
	toRemoved      = transition{StateRemoved, "the cluster does not have this node"}
	again          = transition{StateConnecting, "the pause is over, a leader is found, or the endpoints, credentials or dialer are others"}
)

// States lists them all.
func States() []State {
	var all []State
	for _, row := range states() {
		all = append(all, row.State)
	}
	return all
}

// states returns the table of states. The documentation's diagram is made of
// it, and the tests check every transition against it.
func states() []description {
	return []description{
		{
			StateOff, "There is neither an endpoint nor a dialer, or the watcher does not run.",
			"It is logged that there is no cluster. The local name, and what is known, are answered.",
			[]transition{toAwait, toBad, toConnect},
		},
		{
			StateAwaitingCredentials, "Endpoints are there, and credentials are not or not all of them: the normal state before and during an enrolment.",
			"The enrolment line lists the files that are missing. They are used as soon as they are there.",
			[]transition{toOff, toBad, toConnect},
		},
		{
			StateBadCredentials, "Credentials are there and cannot be used.",
			"The enrolment line has the reason: unreadable, half-written, of another node or of another cluster. They are read again when they change.",
			[]transition{toOff, toAwait, toConnect},
		},
		{
			StateConnecting, "A connection is being tried; no event has come yet.",
			"The endpoint that is tried.",
			[]transition{
				{StateSyncing, "the first event comes"},
				{StateConnecting, "it is not the leader, or another curator leads: the next one is tried"},
				toRefused, toUnauthorized, toBackOff, toOff, toAwait, toBad,
			},
		},
		{
			StateSyncing, "The backlog is coming in.",
			"Nodes appear as they come. None departs before the backlog is complete. Nothing is saved before that either, unless saved nodes were loaded: the new ones join these.",
			[]transition{
				{StateConnected, "the backlog is complete, or an older curator has gone quiet"},
				{StateConnecting, "another curator leads, or the credentials changed"},
				{StateBackingOff, "the stream breaks"},
				{StateRefused, "the curator ends the stream for want of permission"},
				toDropped, toOff, toAwait, toBad,
			},
		},
		{
			StateConnected, "The backlog is in and changes are followed.",
			"The curator, since when, and the leader that each curator reports.",
			[]transition{
				{StateConnected, "an older curator marks the end of its backlog after all"},
				{StateConnecting, "another curator leads, or the credentials changed"},
				{StateBackingOff, "the stream breaks, or the curator falls silent for 15 s"},
				{StateRefused, "the curator ends the stream for want of permission"},
				toRemoved, toDropped, toOff, toAwait, toBad,
			},
		},
		{
			StateRemoved, "Changes are followed, and the cluster does not have this node: it was deleted, is missing from a complete backlog, or its report was answered NotFound.",
			"Why. An error in the log; names stay, those of the other nodes are followed.",
			[]transition{
				{StateConnected, "the cluster lists this node again"},
				{StateConnecting, "another curator leads, or the credentials changed"},
				{StateBackingOff, "the stream breaks, or the curator falls silent for 15 s"},
				{StateRefused, "the curator ends the stream for want of permission"},
				toDropped, toOff, toAwait, toBad,
			},
		},
		{
			StateBackingOff, "The last round of attempts failed; the next one follows within 10 s, or at once when the leader is found.",
			"Why each endpoint failed, and how old the data are. After a minute answers on other nodes report it too.",
			[]transition{again, toOff, toAwait, toBad},
		},
		{
			StateRefused, "A curator was reached, and refuses this node or is not of its cluster. It is tried again as in backing off.",
			"Which rule was broken: the node was removed from the cluster, or the credentials belong to another one.",
			[]transition{again, toOff, toAwait, toBad},
		},
		{
			StateUnauthorized, "A node of the cluster was reached that may not speak for it, and no curator that may. It is tried again as in backing off.",
			"The node's ID, and the line to add where it is a curator. What is known stays.",
			[]transition{again, toOff, toAwait, toBad},
		},
	}
}

// follows reports whether the table has a transition.
func follows(from, to State) bool {
	for _, row := range states() {
		for _, next := range row.Next {
			if row.State == from && next.To == to {
				return true
			}
		}
	}
	return false
}
