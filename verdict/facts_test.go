package verdict

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/nodefile"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// fine are the facts of a service that is well, changed a little.
func fine(change func(*Facts)) *Facts {
	f := &Facts{
		Started: true, Answering: true, HasAddress: true, Expected: true, ZoneReady: true,
		Listeners: []listen.Status{{Addr: netip.MustParseAddrPort("127.0.0.53:53"), State: listen.Listening}},
		Curator:   curator.Status{State: curator.StateConnected},
		Files:     []hostsfile.FileStatus{{Path: "/etc/hosts"}},
		Upstreams: []upstream.Status{{Server: "192.0.2.53", State: upstream.Doubtful}},
		LostAt:    time.Unix(0, 0),
	}
	if change != nil {
		change(f)
	}
	return f
}

// at is a curator's state, in a zone that has everything, or nothing.
func at(state curator.State, zoneReady, lost bool) func(*Facts) {
	return func(f *Facts) { f.Curator.State, f.ZoneReady, f.Lost = state, zoneReady, lost }
}

// assessment is a case of a verdict.
type assessment struct {
	name  string
	cause func(*Facts)
	state string
	codes []string
}

var assessments = []assessment{
	{"all is well", nil, StateReady, nil},
	{"starting", func(f *Facts) {
		f.Started, f.ZoneReady, f.HasAddress, f.Answering = false, false, false, false
		f.Listeners[0].State = listen.Waiting
	}, StateStarting, []string{Starting}},
	{"no listener", func(f *Facts) { f.Answering = false; f.Listeners[0].State = listen.Waiting }, StateDegraded, []string{NoListener}},
	{"none is configured", func(f *Facts) { f.Answering, f.Listeners = false, nil }, StateReady, nil},
	{"one waits", func(f *Facts) {
		f.Listeners = append(f.Listeners, listen.Status{State: listen.Waiting, Error: "no such address"})
	}, StateReady, nil},
	{"one failed", func(f *Facts) {
		f.Listeners = append(f.Listeners, listen.Status{State: listen.Failed, Error: "in use"})
	}, StateDegraded, []string{ListenerFailed}},
	{"no address", func(f *Facts) { f.HasAddress = false }, StateDegraded, []string{NoAddress}},
	{"a clone", func(f *Facts) { f.Conflict = "a clone; " + changelog.DuplicateKeyRemedy }, StateDegraded, []string{IdentityConflict}},

	{"no cluster", func(f *Facts) { at(curator.StateOff, true, false)(f); f.Expected = false }, StateReady, nil},
	{"bad credentials", at(curator.StateBadCredentials, true, false), StateDegraded, []string{BadCredentials}},
	{"bad credentials from the first", at(curator.StateBadCredentials, false, true), StateDegraded, []string{BadCredentials}},
	{"refused", at(curator.StateRefused, true, false), StateDegraded, []string{Refused}},
	{"unauthorized", at(curator.StateUnauthorized, true, false), StateDegraded, []string{Unauthorized}},
	{"removed", at(curator.StateRemoved, true, false), StateDegraded, []string{Removed}},
	{"refused, trying again", func(f *Facts) {
		at(curator.StateConnecting, true, false)(f)
		f.Curator.Rejected, f.Curator.RejectedDetail = curator.StateRefused, "not a member"
	}, StateDegraded, []string{Refused}},
	{"unauthorized, trying again", func(f *Facts) {
		at(curator.StateConnecting, true, false)(f)
		f.Curator.Rejected = curator.StateUnauthorized
	}, StateDegraded, []string{Unauthorized}},
	{"removed, and the curator is gone", func(f *Facts) {
		at(curator.StateBackingOff, true, false)(f)
		f.Curator.Removed = "the cluster deleted it"
	}, StateDegraded, []string{Removed}},
	{"members that are not saved", func(f *Facts) { f.Curator.FileError = "read-only" }, StateDegraded, []string{FileNotWritten}},
	{"not enrolled", at(curator.StateAwaitingCredentials, false, true), StateWaiting, []string{AwaitingCredentials}},
	{"credentials that vanished", at(curator.StateAwaitingCredentials, true, false), StateDegraded, []string{AwaitingCredentials}},
	{"not enrolled and broken", func(f *Facts) {
		at(curator.StateAwaitingCredentials, false, true)(f)
		f.Files[0].Error = "read-only"
	}, StateDegraded, []string{AwaitingCredentials, FileNotWritten}},
	{"the first connection", at(curator.StateConnecting, false, false), StateWaiting, []string{ZoneNotReady}},
	{"the first backlog", at(curator.StateSyncing, false, false), StateWaiting, []string{ZoneNotReady}},
	{"out of reach for a moment", at(curator.StateBackingOff, true, false), StateReady, nil},
	{"out of reach", at(curator.StateBackingOff, true, true), StateDegraded, []string{CuratorLost}},
	{"out of reach, trying", at(curator.StateConnecting, true, true), StateDegraded, []string{CuratorLost}},
	{"never reached", at(curator.StateBackingOff, false, true), StateDegraded, []string{CuratorLost}},

	{"more nodes than fit", func(f *Facts) { f.Overflowed, f.ZoneReady = true, false }, StateDegraded, []string{ZoneFull}},
	{"files of nodes", func(f *Facts) {
		f.NodeFiles = []nodefile.Status{{Path: "/etc/nodes.hosts"}, {Path: "/etc/nodes.json", Error: "line 2, column 1: no JSON"}}
	}, StateDegraded, []string{NodeFileUnusable}},
	{"files", func(f *Facts) {
		f.Files[0].Error, f.ResolvConf, f.HostsLines = "full", "overwritten", "too large"
	}, StateDegraded, []string{FileNotWritten, HostsUnusable, ResolvConf}},
	{"a task", func(f *Facts) { f.Tasks = []string{"files: broke"} }, StateDegraded, []string{TaskFailed}},
	{"upstreams", func(f *Facts) {
		f.Upstreams = append(f.Upstreams, upstream.Status{State: upstream.Looping})
		f.Upstreams[0].State = upstream.Down
	}, StateDegraded, []string{UpstreamDown, UpstreamLooping}},
	{"another source", func(f *Facts) {
		f.Upstreams[0].State, f.Source = upstream.Down, "/etc/resolv.conf"
		f.Alternatives = []resolvconf.Alternative{{Source: "/run/other", Servers: []netip.Addr{netip.IPv6Loopback()}}}
	}, StateDegraded, []string{UpstreamDown, OtherSource}},
	{"a refused reload", func(f *Facts) { f.Reload = "line 1: no\nline 2: no" }, StateDegraded, []string{ReloadRefused}},
	{"our own name", func(f *Facts) { f.Self = []error{errors.New("timeout")} }, StateDegraded, []string{SelfResolution}},
}

func TestAssess(t *testing.T) {
	t.Parallel()
	for _, tt := range assessments {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := fine(tt.cause)
			v, got := f.Assess()
			if got != tt.state || !slices.Equal(v.Codes(), tt.codes) || v.Reasons == nil {
				t.Errorf("the state is %s for %+v, want %s for %v", got, v.Reasons, tt.state, tt.codes)
			}
			if v.Healthy != (tt.state == StateReady) {
				t.Errorf("healthy is %v in the state %s", v.Healthy, tt.state)
			}
			for _, r := range v.Reasons {
				if r.Text == "" || r.Fix == "" || strings.Contains(r.Text, "\n") {
					t.Errorf("incomplete, or not one line: %+v", r)
				}
			}
		})
	}
}

// That nothing of a backlog could be taken is no matter of waiting: the reason
// names what was refused.
func TestZoneNotReadyNamesTheRefused(t *testing.T) {
	t.Parallel()
	f := fine(func(f *Facts) {
		at(curator.StateConnected, false, false)(f)
		f.Nodes.Quarantined, f.Refused = 7, []zone.Refusal{{ID: "node7\n", Reason: "the name has no node-ID shape"}}
	})
	v, _ := f.Assess()
	if len(v.Reasons) != 1 || v.Reasons[0].Code != ZoneNotReady ||
		!strings.Contains(v.Reasons[0].Text, `7 entries of the cluster are refused, first "node7\n": the name has no node-ID shape`) {
		t.Errorf("the verdict is %+v, want the number of refused entries and the first", v)
	}
}

// Each code has a row of the table and a case above, and the reasons of a
// verdict come in the order of the table.
func TestReasonsAreATable(t *testing.T) {
	t.Parallel()
	var table []string
	for _, r := range Reasons() {
		table = append(table, r.Code)
		if r.Meaning == "" || r.When == "" || r.Fix == "" {
			t.Errorf("incomplete: %+v", r)
		}
		if !slices.ContainsFunc(assessments, func(c assessment) bool { return slices.Contains(c.codes, r.Code) }) {
			t.Errorf("%s has no case", r.Code)
		}
	}
	everything := fine(func(f *Facts) {
		for _, tt := range assessments {
			if tt.state == StateDegraded {
				tt.cause(f)
			}
		}
	})
	v, _ := everything.Assess()
	codes := v.Codes()
	if !slices.IsSortedFunc(codes, func(a, b string) int { return slices.Index(table, a) - slices.Index(table, b) }) || len(codes) < 10 {
		t.Errorf("the reasons are %v, want the order of %v", codes, table)
	}
}

func TestWhatIsWrongWithAnUpstream(t *testing.T) {
	t.Parallel()
	for state, want := range map[upstream.State]string{
		upstream.Unknown:  "",
		upstream.Good:     "",
		upstream.Doubtful: "",
		upstream.Down:     "upstream 192.0.2.1 does not answer: silence",
		upstream.Looping:  "upstream 192.0.2.1 asks us what we ask it",
	} {
		var v Verdict
		addUpstream(&v, &upstream.Status{Server: "192.0.2.1", State: state, Reason: "silence"})
		if got := strings.Join(v.Texts(), "\n"); got != want {
			t.Errorf("%v: got %q, want %q", state, got, want)
		}
	}
}
