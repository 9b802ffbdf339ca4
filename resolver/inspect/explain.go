package inspect

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/resolver/internal/decision"
	"github.com/nodedns/nodedns/resolver/internal/wire"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// Explanation is how a question is answered: the outcome of each step in their
// order, the upstreams that would be asked, and the answer.
type Explanation struct {
	Name  string          `json:"name"` // with its final dot
	Type  string          `json:"type"`
	Steps []ExplainedStep `json:"steps"`
	// Upstreams are those that the question may go to, in the order in which
	// they would be asked; empty if it goes to none.
	Upstreams []ExplainedUpstream `json:"upstreams,omitempty"`
	// Answer is absent where upstreams would have to be asked, in a dry run.
	Answer *Answer `json:"answer,omitempty"`
}

// ExplainedStep is one step, and its outcome for a question.
type ExplainedStep struct {
	// Step is a step of the decision, as in Answer, or one of those after it for
	// what it forwards: cache, servers, and alias for each name that is decided on
	// behind the aliases of their answer.
	Step    string  `json:"step"`
	Outcome Outcome `json:"outcome"`
	// Reason is a sentence; empty for what is not reached.
	Reason string `json:"reason,omitempty"`
}

// Outcome is the outcome of a step for a question.
type Outcome string

// The outcomes.
const (
	Passed     Outcome = "passed"      // the step does not apply to the question
	Settled    Outcome = "settled"     // the step has the answer
	Forwarded  Outcome = "forwarded"   // other servers have it
	Failed     Outcome = "failed"      // the other servers do not have the answer
	NotAsked   Outcome = "not asked"   // the other servers were not asked
	NotReached Outcome = "not reached" // there is an answer already
)

// ExplainedUpstream is a server that may be asked.
type ExplainedUpstream struct {
	Server string `json:"server"` // as the configuration spells it
	State  string `json:"state"`  // unknown, good, doubtful, down or looping
	// Reason is why it is not good.
	Reason string        `json:"reason,omitempty"`
	RTT    time.Duration `json:"rtt"` // smoothed, in nanoseconds; 0 is not known
}

// Explain answers as Query does, and explains how. With dry no upstream is asked: if it
// takes an upstream, there is no answer.
func (i Inspector) Explain(ctx context.Context, name, qtype string, dry bool) (*Explanation, error) {
	start := time.Now()
	r, err := wire.Ask(name, qtype)
	if err != nil {
		return nil, err
	}
	r.Offline = dry
	l := i.lookup(r)
	e := &Explanation{Name: r.Msg.Question[0].Name, Type: dns.Type(r.Msg.Question[0].Qtype).String(), Upstreams: l.upstreams()}
	e.Answer = l.answer(ctx, start)
	e.Steps = append(l.decisionSteps(), l.cacheStep(), l.serversStep(e.Answer))
	e.Steps = append(e.Steps, l.aliasSteps(e.Answer)...)
	return e, nil
}

// forwarded reports whether the decision leaves the question to other servers,
// whose answer may be in the cache.
func (l *lookup) forwarded() bool {
	return l.Decided.Kind == decision.Forward || l.Decided.Kind == decision.Cached
}

// upstreams are those that the question goes to, in their current state.
func (l *lookup) upstreams() (all []ExplainedUpstream) {
	if !l.forwarded() {
		return nil
	}
	for _, status := range l.Upstreams() {
		u := ExplainedUpstream{Server: status.Server, State: status.State.String(), RTT: time.Duration(status.RTT)}
		if status.State != upstream.Good {
			u.Reason = status.Reason
		}
		all = append(all, u)
	}
	return all
}

// decisionSteps are the outcomes of the steps of the decision.
func (l *lookup) decisionSteps() []ExplainedStep {
	v := &l.Decided
	all := make([]ExplainedStep, 0, decision.Steps+2)
	for step := range decision.Steps {
		e := ExplainedStep{Step: step.String(), Outcome: NotReached}
		switch {
		case step < v.Step:
			e.Outcome, e.Reason = Passed, v.Passed(step)
		case step > v.Step:
		case l.forwarded():
			e.Outcome, e.Reason = Forwarded, v.Forwarding()
		default:
			e.Outcome, e.Reason = Settled, v.Reason
		}
		all = append(all, e)
	}
	return all
}

// cacheStep is what the cache has for a forwarded question.
func (l *lookup) cacheStep() ExplainedStep {
	e := ExplainedStep{Step: "cache", Outcome: Passed}
	hit := &l.Decided.Hit
	switch {
	case !l.forwarded():
		e.Outcome = NotReached
	case l.View.Cache == nil:
		e.Reason = "there is none: cache.size is 0"
	case l.Decided.Kind == decision.Cached:
		e.Outcome, e.Reason = Settled, l.Decided.Reason
	case hit.Stale:
		e.Reason = fmt.Sprintf("a stale answer, %v old, is kept back for when the servers fail", hit.Age())
	default:
		e.Reason = "no answer to this question is kept"
	}
	return e
}

// serversStep is the outcome of asking other servers, if they were asked.
func (l *lookup) serversStep(a *Answer) ExplainedStep {
	e := ExplainedStep{Step: "servers"}
	switch {
	case l.Decided.Kind != decision.Forward:
		e.Outcome = NotReached
	case a == nil:
		e.Outcome, e.Reason = NotAsked, "no upstream was to be asked"
	case l.Server == (upstream.Server{}) || l.Verdict.Kind == decision.Cached:
		e.Outcome, e.Reason = Failed, a.Reason
	default:
		e.Outcome, e.Reason = Settled, fmt.Sprintf("%s answered by %s: %s", a.Server, a.Protocol, a.Rcode)
		if l.Verdict.Kind == decision.Bare {
			e.Reason = fmt.Sprintf("%s answered by %s, but %s", a.Server, a.Protocol, a.Reason)
		}
	}
	return e
}

// aliasSteps are the outcomes for the names that aliases lead to.
func (l *lookup) aliasSteps(a *Answer) (all []ExplainedStep) {
	if a == nil {
		if l.Decided.Hit.Open && l.Decided.Kind == decision.Cached {
			all = append(all, ExplainedStep{"alias", NotAsked, "no upstream was to be asked for what its aliases lead to"})
		}
		return all
	}
	for _, hop := range a.Hops {
		all = append(all, ExplainedStep{"alias", Settled, hop.Name + ": " + hop.Reason})
	}
	return all
}
