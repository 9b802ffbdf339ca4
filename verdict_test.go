package nodedns

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver/listen"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/changelog"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

var update = flag.Bool("update", false, "write the manual's table of reasons again")

// fine are the facts of a service that is well, changed a little.
func fine(change func(*facts)) *facts {
	f := &facts{
		Status: &Status{
			Ready: true, Addresses: testkit.Addrs("192.0.2.1"), Listeners: testkit.AddrPorts("127.0.0.53:53"),
			ListenerStatus: []listen.Status{{Addr: netip.MustParseAddrPort("127.0.0.53:53"), State: listen.Listening}},
			Curator:        curator.Status{State: curator.StateConnected},
			ResolvConf:     &resolvconf.Status{}, LastReload: &ReloadStatus{},
			Files:          []hostsfile.FileStatus{{Path: "/etc/hosts"}},
			UpstreamStatus: []upstream.Status{{Server: "192.0.2.53", State: upstream.Doubtful}},
		},
		started: true, expected: true, lostAt: time.Unix(0, 0),
	}
	if change != nil {
		change(f)
	}
	return f
}

// at is a curator's state, in a zone that has everything, or nothing.
func at(state curator.State, zoneReady, lost bool) func(*facts) {
	return func(f *facts) { f.Curator.State, f.Ready, f.lost = state, zoneReady, lost }
}

// ruling is a case of a verdict.
type ruling struct {
	name  string
	cause func(*facts)
	state string
	codes []string
}

var judged = []ruling{
	{"all is well", nil, StateReady, nil},
	{"starting", func(f *facts) {
		f.started, f.Ready, f.Addresses, f.Listeners = false, false, nil, nil
		f.ListenerStatus[0].State = listen.Waiting
	}, StateStarting, []string{verdict.Starting}},
	{"no listener", func(f *facts) { f.Listeners = nil; f.ListenerStatus[0].State = listen.Waiting }, StateDegraded, []string{verdict.NoListener}},
	{"none is configured", func(f *facts) { f.Listeners, f.ListenerStatus = nil, nil }, StateReady, nil},
	{"one waits", func(f *facts) {
		f.ListenerStatus = append(f.ListenerStatus, listen.Status{State: listen.Waiting, Error: "no such address"})
	}, StateReady, nil},
	{"one failed", func(f *facts) {
		f.ListenerStatus = append(f.ListenerStatus, listen.Status{State: listen.Failed, Error: "in use"})
	}, StateDegraded, []string{verdict.ListenerFailed}},
	{"no address", func(f *facts) { f.Addresses = nil }, StateDegraded, []string{verdict.NoAddress}},
	{"a clone", func(f *facts) { f.Conflict = "a clone; " + changelog.DuplicateKeyRemedy }, StateDegraded, []string{verdict.IdentityConflict}},

	{"no cluster", func(f *facts) { at(curator.StateOff, true, false)(f); f.expected = false }, StateReady, nil},
	{"bad credentials", at(curator.StateBadCredentials, true, false), StateDegraded, []string{verdict.BadCredentials}},
	{"bad credentials from the first", at(curator.StateBadCredentials, false, true), StateDegraded, []string{verdict.BadCredentials}},
	{"refused", at(curator.StateRefused, true, false), StateDegraded, []string{verdict.Refused}},
	{"unauthorized", at(curator.StateUnauthorized, true, false), StateDegraded, []string{verdict.Unauthorized}},
	{"removed", at(curator.StateRemoved, true, false), StateDegraded, []string{verdict.Removed}},
	{"refused, trying again", func(f *facts) {
		at(curator.StateConnecting, true, false)(f)
		f.Curator.Rejected, f.Curator.RejectedDetail = curator.StateRefused, "not a member"
	}, StateDegraded, []string{verdict.Refused}},
	{"unauthorized, trying again", func(f *facts) {
		at(curator.StateConnecting, true, false)(f)
		f.Curator.Rejected = curator.StateUnauthorized
	}, StateDegraded, []string{verdict.Unauthorized}},
	{"removed, and the curator is gone", func(f *facts) {
		at(curator.StateBackingOff, true, false)(f)
		f.Curator.Removed = "the cluster deleted it"
	}, StateDegraded, []string{verdict.Removed}},
	{"members that are not saved", func(f *facts) { f.Curator.FileError = "read-only" }, StateDegraded, []string{verdict.FileNotWritten}},
	{"not enrolled", at(curator.StateAwaitingCredentials, false, true), StateWaiting, []string{verdict.AwaitingCredentials}},
	{"credentials that vanished", at(curator.StateAwaitingCredentials, true, false), StateDegraded, []string{verdict.AwaitingCredentials}},
	{"not enrolled and broken", func(f *facts) {
		at(curator.StateAwaitingCredentials, false, true)(f)
		f.Files[0].Error = "read-only"
	}, StateDegraded, []string{verdict.AwaitingCredentials, verdict.FileNotWritten}},
	{"the first connection", at(curator.StateConnecting, false, false), StateWaiting, []string{verdict.ZoneNotReady}},
	{"the first backlog", at(curator.StateSyncing, false, false), StateWaiting, []string{verdict.ZoneNotReady}},
	{"out of reach for a moment", at(curator.StateBackingOff, true, false), StateReady, nil},
	{"out of reach", at(curator.StateBackingOff, true, true), StateDegraded, []string{verdict.CuratorLost}},
	{"out of reach, trying", at(curator.StateConnecting, true, true), StateDegraded, []string{verdict.CuratorLost}},
	{"never reached", at(curator.StateBackingOff, false, true), StateDegraded, []string{verdict.CuratorLost}},

	{"more nodes than fit", func(f *facts) { f.full, f.Ready = "the zone is full", false }, StateDegraded, []string{verdict.ZoneFull}},
	{"files", func(f *facts) {
		f.Files[0].Error, f.ResolvConf.Error, f.HostsLines.Unusable = "full", "overwritten", "too large"
	}, StateDegraded, []string{verdict.FileNotWritten, verdict.HostsUnusable, verdict.ResolvConf}},
	{"a task", func(f *facts) { f.tasks = []string{"files: broke"} }, StateDegraded, []string{verdict.TaskFailed}},
	{"upstreams", func(f *facts) {
		f.UpstreamStatus = append(f.UpstreamStatus, upstream.Status{State: upstream.Looping}, upstream.Status{State: upstream.Rejecting})
		f.UpstreamStatus[0].State = upstream.Down
	}, StateDegraded, []string{verdict.UpstreamDown, verdict.UpstreamLooping}},
	{"a refused reload", func(f *facts) { f.LastReload.Error = "line 1: no\nline 2: no" }, StateDegraded, []string{verdict.ReloadRefused}},
	{"our own name", func(f *facts) { f.self = []error{errors.New("timeout")} }, StateDegraded, []string{verdict.SelfResolution}},
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, tt := range judged {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := fine(tt.cause)
			v := f.judge()
			if got := stateOf(v, f.started, f.Ready); got != tt.state || !slices.Equal(v.Codes(), tt.codes) || v.Reasons == nil {
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
	f := fine(func(f *facts) {
		at(curator.StateConnected, false, false)(f)
		f.Nodes.Quarantined, f.Refused = 7, []zone.Refusal{{ID: "node7\n", Reason: "the name has no node-ID shape"}}
	})
	v := f.judge()
	if len(v.Reasons) != 1 || v.Reasons[0].Code != verdict.ZoneNotReady ||
		!strings.Contains(v.Reasons[0].Text, `7 entries of the cluster are refused, first "node7\n": the name has no node-ID shape`) {
		t.Errorf("the verdict is %+v, want the number of refused entries and the first", v)
	}
}

// Each code has a row of the table and a case above, and the reasons of a
// verdict come in the order of the table.
func TestReasonsAreATable(t *testing.T) {
	t.Parallel()
	var table []string
	for _, r := range verdict.Reasons() {
		table = append(table, r.Code)
		if r.Meaning == "" || r.When == "" || r.Fix == "" {
			t.Errorf("incomplete: %+v", r)
		}
		if !slices.ContainsFunc(judged, func(c ruling) bool { return slices.Contains(c.codes, r.Code) }) {
			t.Errorf("%s has no case", r.Code)
		}
	}
	everything := fine(func(f *facts) {
		for _, tt := range judged {
			if tt.state == StateDegraded {
				tt.cause(f)
			}
		}
	})
	codes := everything.judge().Codes()
	if !slices.IsSortedFunc(codes, func(a, b string) int { return slices.Index(table, a) - slices.Index(table, b) }) || len(codes) < 10 {
		t.Errorf("the reasons are %v, want the order of %v", codes, table)
	}
}

// The manual's table of reasons is made of the one in the code.
func TestManualHasTheReasons(t *testing.T) {
	t.Parallel()
	const manual, begin, end = "docs/operations.md", "test . -update -->\n", "<!-- END reasons -->"
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s lacks the marks of the reasons", manual)
	}
	var b strings.Builder
	b.WriteString("\n| reason | meaning | counts | what to do |\n| --- | --- | --- | --- |\n")
	for _, r := range verdict.Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Code, r.Meaning, r.When, r.Fix)
	}
	b.WriteString("\n")
	if want := b.String(); *update {
		if err := os.WriteFile(manual, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if old != want {
		t.Errorf("%s is not up to date: run go test . -update", manual)
	}
}
