package nodedns

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone/changelog"
)

// Verdict is the one judgement on how a Service stands. Whatever reports its
// health reads it and derives none of its own.
type Verdict struct {
	// Healthy is whether there are no reasons, which is when the state is
	// [StateReady].
	Healthy bool `json:"healthy"`
	// Reasons are ordered as in the table of [Reasons]: a cause comes before
	// what follows from it.
	Reasons []Reason `json:"reasons"`
}

// Reason is one thing that keeps a Service from being healthy.
type Reason struct {
	// Code is one of those of [Reasons].
	Code string `json:"code"`
	// Text is one line that says what is wrong, and with what.
	Text string `json:"text"`
	// Fix is what to do.
	Fix string `json:"fix"`
}

// Has says whether a code is among the reasons.
func (v Verdict) Has(code string) bool {
	return slices.ContainsFunc(v.Reasons, func(r Reason) bool { return r.Code == code })
}

// texts are those of the reasons, without repetitions.
func (v Verdict) texts() []string {
	texts := make([]string, 0, len(v.Reasons))
	for _, r := range v.Reasons {
		if !slices.Contains(texts, r.Text) {
			texts = append(texts, r.Text)
		}
	}
	return texts
}

// facts are all that a verdict is made of.
type facts struct {
	*Status
	started  bool // the listeners were bound, and the files tried
	expected bool // there is a cluster to follow
	// lost is whether the cluster has been out of reach for long enough to
	// count, and lostAt since when.
	lost   bool
	lostAt time.Time
	full   string   // that the zone has no room for all nodes
	tasks  []string // failures of tasks
	self   []error  // failures of the self-check
}

// judge is the verdict on the facts of one moment.
func judge(f *facts) Verdict {
	v := Verdict{Reasons: []Reason{}}
	if !f.started {
		v.add(ReasonStarting, "not all listeners answer, or not all files were written yet")
	}
	v.judgeNetwork(f)
	v.judgeCluster(f)
	v.add(ReasonZoneFull, f.full)
	v.judgeMachine(f)
	for _, text := range f.tasks {
		v.add(ReasonTaskFailed, text)
	}
	for i := range f.UpstreamStatus {
		v.judgeUpstream(&f.UpstreamStatus[i])
	}
	if r := f.LastReload; r != nil && r.Error != "" {
		v.add(ReasonReloadRefused, "the configuration was not reloaded, the running one stays: "+r.Error)
	}
	for _, err := range f.self {
		v.add(ReasonSelfResolution, fmt.Sprintf("self-resolution: %v", err))
	}
	v.Healthy = len(v.Reasons) == 0
	return v
}

// state is that of a Service of which this is the verdict: it waits if nothing
// is broken and the zone only lacks what an enrolment or a backlog will bring.
func (v Verdict) state(started, zoneReady bool) string {
	waits := func(r Reason) bool { return r.Code == ReasonAwaitingCredentials || r.Code == ReasonZoneNotReady }
	switch {
	case !started:
		return StateStarting
	case v.Healthy:
		return StateReady
	case !zoneReady && !slices.ContainsFunc(v.Reasons, func(r Reason) bool { return !waits(r) }):
		return StateWaiting
	}
	return StateDegraded
}

// add appends a reason, which is none without a text.
func (v *Verdict) add(code, text string) {
	if text == "" {
		return
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	v.Reasons = append(v.Reasons, Reason{code, text, fixes[code]})
}

// judgeNetwork is about the listeners and this node's name.
func (v *Verdict) judgeNetwork(f *facts) {
	if f.started && len(f.Listeners) == 0 && len(f.ListenerStatus) > 0 {
		v.add(ReasonNoListener, errNowhere.Error())
	}
	for _, l := range f.ListenerStatus {
		if l.State == listen.Failed { // one that waits is no fault
			v.add(ReasonListenerFailed, l.Error)
		}
	}
	if f.started && len(f.Addresses) == 0 {
		v.add(ReasonNoAddress, "this machine has no address that its name could resolve to")
	}
	v.add(ReasonIdentityConflict, strings.TrimSuffix(f.Conflict, "; "+changelog.DuplicateKeyRemedy))
}

// judgeCluster has one reason at most: the others would be its consequences.
func (v *Verdict) judgeCluster(f *facts) {
	because := func(text string) string {
		detail := cmp.Or(f.Curator.Removed, f.Curator.RejectedDetail, f.Curator.Detail)
		if detail == "" {
			return text
		}
		return text + ": " + detail
	}
	switch c := &f.Curator; {
	case c.State == curator.StateBadCredentials:
		v.add(ReasonBadCredentials, because("the credentials for the cluster cannot be used"))
	case c.State == curator.StateRemoved || c.Removed != "":
		v.add(ReasonRemoved, because("this node was removed from the cluster"))
	case c.State == curator.StateRefused || c.Rejected == curator.StateRefused:
		v.add(ReasonRefused, because("a curator refuses this node, or is of another cluster"))
	case c.State == curator.StateUnauthorized || c.Rejected == curator.StateUnauthorized:
		v.add(ReasonUnauthorized, because("only curators answer that may not speak for the cluster"))
	case c.State == curator.StateAwaitingCredentials:
		v.add(ReasonAwaitingCredentials, because("this node is not enrolled"))
	case f.lost:
		v.add(ReasonCuratorLost, "no curator has been reached since "+f.lostAt.UTC().Format(time.RFC3339))
	case f.started && f.expected && !f.Ready && f.full == "":
		v.add(ReasonZoneNotReady, "the cluster's nodes are not known yet, and none were saved: names that are not in the zone are SERVFAIL"+refusedText(f.Status))
	}
}

// refusedText says that entries of the cluster are refused, which may be all that
// it has, or nothing.
func refusedText(s *Status) string {
	if len(s.Refused) == 0 {
		return ""
	}
	first := s.Refused[0]
	return fmt.Sprintf("; %d entries of the cluster are refused, first %q: %s", s.Nodes.Quarantined, first.ID, first.Reason)
}

// judgeMachine is about the files of this machine.
func (v *Verdict) judgeMachine(f *facts) {
	for _, file := range f.Files {
		v.add(ReasonFileNotWritten, file.Error)
	}
	v.add(ReasonFileNotWritten, f.Curator.FileError)
	v.add(ReasonHostsUnusable, f.HostsLines.Unusable)
	if f.ResolvConf != nil {
		v.add(ReasonResolvConf, f.ResolvConf.Error)
	}
}

// judgeUpstream is about a server for other names. One that is slow, or turns
// down a query now and then, is no reason.
func (v *Verdict) judgeUpstream(u *UpstreamStatus) {
	switch u.State {
	case upstream.Down.String():
		v.add(ReasonUpstreamDown, fmt.Sprintf("upstream %s does not answer: %s", u.Server, u.Reason))
	case upstream.Looping.String():
		v.add(ReasonUpstreamLooping, fmt.Sprintf("upstream %s asks us what we ask it", u.Server))
	}
}
