package curator

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/osfile"
	"github.com/nodedns/nodedns/zone"
)

// bare is an endpoint without a pin.
var bare = Endpoint{host: "192.0.2.11", port: DefaultPort}

func someID(n int) zone.ID { return zone.ID(fmt.Sprintf("%s%032x", prefix, n)) }

// idle is an authority at the beginning of a plan with endpoints.
func idle(recoverAfter time.Duration, endpoints ...Endpoint) *authority {
	a := newAuthority(prefix, recoverAfter, slog.New(slog.DiscardHandler))
	a.renew(&plan{endpoints: endpoints})
	return a
}

// knowing is one whose last backlog listed the given members.
func knowing(recoverAfter time.Duration, members ...zone.ID) *authority {
	a := idle(recoverAfter, bare)
	for _, id := range members {
		a.members[id] = true
	}
	return a
}

func reasonOf(err error) Reason {
	if unauthorized, ok := errors.AsType[*UnauthorizedError](err); ok {
		return unauthorized.Reason
	}
	return ""
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	member, worker := someID(1), someID(2)
	pinned := Endpoint{host: "192.0.2.12", port: DefaultPort, pin: member}
	byID := Endpoint{host: string(member), node: member, port: DefaultPort}
	for name, test := range map[string]struct {
		a          *authority
		at         Endpoint
		configured bool
		id         zone.ID
		want       Reason
	}{
		"first contact":                      {idle(time.Hour, bare), bare, true, worker, ""},
		"first contact where a leader is":    {idle(time.Hour, bare), bare, false, worker, ReasonNotEntitled},
		"a member":                           {knowing(time.Hour, member), bare, true, member, ""},
		"a worker":                           {knowing(time.Hour, member), bare, true, worker, ReasonNotEntitled},
		"a pin kept":                         {idle(time.Hour, pinned), pinned, true, member, ""},
		"a pin broken":                       {idle(time.Hour, pinned), pinned, true, worker, ReasonWrongNode},
		"a pin broken by a member":           {knowing(time.Hour, worker), pinned, true, worker, ReasonWrongNode},
		"an endpoint by node ID":             {idle(time.Hour, byID), byID, true, member, ""},
		"another node there":                 {idle(time.Hour, byID), byID, true, worker, ReasonWrongNode},
		"a worker beside a pin":              {idle(time.Hour, pinned, bare), bare, true, worker, ReasonNotEntitled},
		"a pinned node at a bare endpoint":   {idle(time.Hour, pinned, bare), bare, true, member, ""},
		"a dialer's first contact":           {idle(time.Hour), Endpoint{}, true, worker, ""},
		"a dialer that leads to a worker":    {knowing(time.Hour, member), Endpoint{}, true, worker, ReasonNotEntitled},
		"without end, and nobody was heard":  {knowing(-1, member), bare, true, worker, ReasonNotEntitled},
		"at once, where that was configured": {knowing(0, member), bare, true, worker, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.a.admit(test.at, test.configured, test.id)
			if reasonOf(err) != test.want || (err != nil) != (test.want != "") {
				t.Errorf("got %v, want reason %q", err, test.want)
			}
			if test.a.entitled(test.id) != (err == nil) && test.want != ReasonWrongNode {
				t.Errorf("entitled: %v after %v", test.a.entitled(test.id), err)
			}
		})
	}
}

// What an operator reads names the node and the line that makes it known.
func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	a := knowing(time.Hour, someID(1))
	err := a.admit(bare, true, someID(2))
	for _, part := range []string{
		string(someID(2)), `"192.0.2.11:7835#` + string(someID(2)) + `"`, "curator.endpoints", "nodedns curator trust " + string(someID(2)),
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	for range 100 {
		for n := range 2 * maxRecent {
			_ = a.admit(bare, true, someID(2+n))
		}
	}
	var status Status
	a.status(&status)
	if len(status.Refusals) != maxRecent || status.Refused[ReasonNotEntitled] != 1+100*2*maxRecent {
		t.Errorf("%d refusals are kept, and %v counted", len(status.Refusals), status.Refused)
	}
}

// A leader is entitled where an entitled node names it, for as long as that
// reports, and passes nothing on.
func TestNamedLeader(t *testing.T) {
	t.Parallel()
	a := knowing(-1, someID(1))
	report := func(self, leader int) leaderReport { return leaderReport{self: someID(self), leader: someID(leader)} }

	a.setReports([]leaderReport{report(7, 8)})
	if a.entitled(someID(8)) || a.entitled(someID(7)) {
		t.Error("a worker entitles a worker")
	}
	a.setReports([]leaderReport{report(1, 2), report(2, 3)})
	if !a.entitled(someID(2)) || a.entitled(someID(3)) {
		t.Error("the member's word counts, that of the one it names does not")
	}
	a.setReports(nil)
	if a.entitled(someID(2)) {
		t.Error("the word outlives the one that gave it")
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const after = 15 * time.Minute
		member, stranger := someID(1), someID(2)
		a := knowing(after, member)
		// persist has the stranger answer, as often as an endpoint is tried.
		persist := func(d time.Duration, when string) {
			t.Helper()
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Second) {
				if a.admit(bare, true, stranger) == nil {
					t.Fatalf("a stranger is believed %s", when)
				}
			}
		}
		persist(after, "too early")
		a.setReports([]leaderReport{{self: member, leader: member}})
		persist(time.Hour, "while a member is heard")
		a.setReports(nil)
		a.setReports([]leaderReport{{self: stranger, leader: stranger}}) // which is no member
		persist(after, "too early after that")

		// An outage: when it is over, the member may be slower than the stranger.
		time.Sleep(time.Hour)
		persist(after, "too early after an outage")
		if err := a.admit(bare, true, stranger); err != nil || !a.entitled(stranger) {
			t.Errorf("a stranger is not believed in the end: %v", err)
		}
		if err := a.admit(bare, false, someID(3)); err == nil {
			t.Error("nor is one at a place that only a node named")
		}

		// The member is back before the stranger's backlog was complete.
		a.setReports([]leaderReport{{self: member, leader: member}, {self: stranger, leader: stranger}})
		if a.entitled(stranger) {
			t.Error("the stranger speaks beside a member")
		}
		if err := a.accept(stranger, []zone.ID{stranger}, true); reasonOf(err) != ReasonNotEntitled {
			t.Errorf("its backlog is taken: %v", err)
		}

		// Watching a member counts as an answer of it.
		a.watching(member)
		a.setReports(nil)
		time.Sleep(2 * after)
		if a.admit(bare, true, stranger) == nil {
			t.Error("a stranger is believed while a member is watched")
		}
	})
}

func TestMembersFollowTheBacklog(t *testing.T) {
	t.Parallel()
	a := idle(-1, bare)
	must(t, a.admit(bare, true, someID(1)))
	must(t, a.accept(someID(1), []zone.ID{someID(2), someID(3)}, true))
	members := func() string {
		var status Status
		a.status(&status)
		var ids []string
		for _, m := range status.Members {
			ids = append(ids, strings.TrimLeft(strings.TrimPrefix(string(m.ID), string(prefix)), "0")+" "+m.Source)
		}
		return strings.Join(ids, ", ")
	}
	if got := members(); got != "1 member, 2 member, 3 member" {
		t.Errorf("members %s", got)
	}
	must(t, a.accept(someID(2), []zone.ID{someID(4)}, false))
	if got := members(); got != "1 member, 2 member, 3 member, 4 member" {
		t.Errorf("without the marker members %s", got)
	}
	must(t, a.accept(someID(2), []zone.ID{someID(4)}, true))
	a.revise(someID(5), true)
	a.revise(someID(4), false)
	if got := members(); got != "2 member, 5 member" {
		t.Errorf("after changes members %s", got)
	}
	a.revise(someID(5), false)
	a.revise(someID(2), false)
	if got := members(); got != "2 member" {
		t.Errorf("the last one went: %s", got)
	}
	for n := range 10 * maxMembers {
		a.revise(someID(n), true)
	}
	if len(a.members) != maxMembers {
		t.Errorf("%d members", len(a.members))
	}
	must(t, a.trust(someID(0x100)))
	must(t, a.accept(someID(0x100), []zone.ID{someID(0x101)}, false))
	if got := members(); got != "100 trusted, 101 member" {
		t.Errorf("a full list, and a backlog without the marker: members %s", got)
	}
	a.setCluster("one")
	a.setCluster("another")
	if got := members(); got != "" {
		t.Errorf("of another cluster %s", got)
	}
}

// What an operator and the backlogs decided is there after a restart.
func TestAuthoritySurvives(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "curators.json")
	a := idle(-1, bare)
	a.setCluster("one")
	must(t, a.admit(bare, true, someID(1)))
	must(t, a.accept(someID(1), []zone.ID{someID(2)}, true))
	must(t, a.trust(someID(7)))
	must(t, osfile.WriteRecord(path, []byte(a.encode())))

	again := idle(-1)
	text, err := again.load(path)
	must(t, err)
	if text != again.encode() {
		t.Errorf("read %s, as %s", again.encode(), text)
	}
	if again.encode() != a.encode() {
		t.Errorf("read %s, written %s", again.encode(), a.encode())
	}
	if !again.isMember(someID(2)) || !again.entitled(someID(7)) || again.entitled(someID(8)) {
		t.Error("others are entitled")
	}
	again.reset()
	if again.entitled(someID(1)) || again.entitled(someID(7)) {
		t.Error("a reset forgets")
	}
}

// An operator, or an embedder, may decide before the watcher runs.
func TestDecisionsBeforeTheRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "curators.json")
	run := func(decide func(*Watcher)) *authority {
		w, err := New(Config{Prefix: prefix, AuthorityFile: path}, newRecorder())
		must(t, err)
		decide(w)
		background(t, w.Run)()
		return w.authority
	}
	run(func(w *Watcher) { must(t, w.Trust(string(someID(1)))) })
	if !run(func(w *Watcher) { must(t, w.Trust(string(someID(2)))) }).entitled(someID(1)) {
		t.Error("trust is lost at the end")
	}
	if a := run((*Watcher).ResetAuthority); a.entitled(someID(1)) || a.entitled(someID(2)) {
		t.Error("the file undoes a reset")
	}
	if run(func(*Watcher) {}).entitled(someID(2)) {
		t.Error("a reset is lost at the end")
	}
}

func TestAuthorityFileIsChecked(t *testing.T) {
	t.Parallel()
	many := make([]string, maxMembers+1)
	for i := range many {
		many[i] = fmt.Sprintf("%q", string(someID(i)))
	}
	for name, text := range map[string]string{
		"garbage":    "\x00\x01",
		"cut off":    `{"cluster": "one", "members": ["`,
		"no ID":      `{"members": ["localhost"]}`,
		"too many":   `{"members": [` + strings.Join(many, ",") + `]}`,
		"far larger": `{"cluster": "` + strings.Repeat("x", maxAuthorityFile) + `"}`,
	} {
		path := filepath.Join(t.TempDir(), "curators.json")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		a := idle(-1)
		if _, err := a.load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		var status Status
		if a.status(&status); !strings.Contains(status.FileError, path) {
			t.Errorf("%s: the status has %q", name, status.FileError)
		}
		if ids, _ := a.known(); len(ids) != 0 {
			t.Errorf("%s: knows %v", name, ids)
		}
	}
	if _, err := idle(-1).load(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("a first start: %v", err)
	}
}

// The node that a leader was believed by is reported until the leader is known
// otherwise.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	accepted := func(a *authority) *Acceptance {
		var status Status
		a.status(&status)
		return status.Accepted
	}
	a := idle(-1, bare)
	must(t, a.admit(bare, true, someID(1)))
	a.setReports([]leaderReport{{self: someID(1), leader: someID(2)}})
	must(t, a.accept(someID(2), []zone.ID{someID(1)}, true))
	if got := accepted(a); got == nil || got.ID != someID(1) || got.Endpoint != bare.Address() || got.Why != FirstContact {
		t.Errorf("accepted %+v, want the follower that named the leader", got)
	}
	must(t, a.trust(someID(1)))
	if got := accepted(a); got != nil {
		t.Errorf("accepted %+v, and trusted since", got)
	}

	a = idle(-1, bare)
	must(t, a.admit(bare, true, someID(1)))
	must(t, a.accept(someID(1), []zone.ID{someID(2)}, true))
	a.renew(&plan{endpoints: []Endpoint{{host: "192.0.2.12", port: DefaultPort, pin: someID(2)}}})
	must(t, a.accept(someID(2), []zone.ID{someID(1)}, true))
	if got := accepted(a); got != nil {
		t.Errorf("accepted %+v, and a pinned node has listed the members since", got)
	}
	if got := accepted(knowing(-1, someID(1))); got != nil {
		t.Errorf("accepted %+v of itself", got)
	}
	if !slices.Contains(Reasons(), ReasonNotMember) {
		t.Error("a reason is not listed")
	}
}
