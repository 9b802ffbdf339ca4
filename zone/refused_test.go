package zone

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nodedns/nodedns/internal/testkit"
)

// refused is what the snapshot lists, as text.
func (f *fixture) refused() string {
	var texts []string
	for _, r := range f.Snapshot().Refused() {
		texts = append(texts, r.ID+": "+r.Reason)
	}
	return strings.Join(texts, ", ")
}

func (f *fixture) wantRefused(want ...string) {
	f.t.Helper()
	if got := f.refused(); got != strings.Join(want, ", ") {
		f.t.Errorf("refused are %q, want %q", got, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const loopback = ": address 127.0.0.1 is a loopback address"
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.wantRefused()
	f.connect(node(a, "127.0.0.1"), node("x"), node(b, "192.0.2.7"))
	f.wantRefused(a+loopback, "x: the name has no node-ID shape", b+": the address is this machine's own")
	f.unchanged("the same again", func() { f.curator.Set(node(b, "192.0.2.7"), node("x"), node(a, "127.0.0.1")) })
	f.curator.Set(node(a, "::1"))
	f.wantRefused(a+": address ::1 is a loopback address", "x: the name has no node-ID shape", b+": the address is this machine's own")
	f.curator.Set(node(a, "192.0.2.1"))
	f.setLocal("192.0.2.8")
	f.wantRefused("x: the name has no node-ID shape")
	f.setLocal("192.0.2.1")
	f.wantRefused("x: the name has no node-ID shape", a+": the address is this machine's own")
	f.curator.Gone("x")
	f.setLocal("192.0.2.9")
	f.wantRefused()
	if f.Snapshot().content.refused != nil {
		t.Error("an empty list is not as none")
	}
}

// Of many the first ten are listed, and others take the place of those that are
// no longer refused.
func TestRefusedIsBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var entries []Entry
	for i := range 2000 {
		entries = append(entries, node(fmt.Sprintf("bogus-%04d", i)))
	}
	f.connect(entries...)
	refused := f.Snapshot().Refused()
	if len(refused) != maxNames || refused[0].ID != "bogus-0000" || refused[9].ID != "bogus-0009" {
		t.Errorf("refused are %v", refused)
	}
	for i := range 9 {
		f.curator.Gone(fmt.Sprintf("bogus-%04d", i))
	}
	if refused = f.Snapshot().Refused(); len(refused) != maxNames || refused[0].ID != "bogus-0009" {
		t.Errorf("refused are %v", refused)
	}
	f.backlog(entries[3])
	f.wantRefused("bogus-0003: the name has no node-ID shape")
}

// Those that had no room take all places that become free at once.
func TestRefusedFillsAllPlaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	var entries []Entry
	for i := range maxNames {
		entries = append(entries, node(fmt.Sprintf("bogus-%04d", i)))
	}
	ours := []Entry{node(a, "192.0.2.7"), node(b, "192.0.2.7"), node(c, "192.0.2.7")}
	f.connect(append(entries, ours...)...)
	if refused := f.Snapshot().Refused(); len(refused) != maxNames || refused[9].ID != "bogus-0009" {
		t.Errorf("refused are %v", refused)
	}
	f.curator.Gone("bogus-0000", "bogus-0001", "bogus-0002")
	if refused := f.Snapshot().Refused(); len(refused) != maxNames || refused[6].ID != "bogus-0009" {
		t.Errorf("refused are %v", refused)
	}
}

func TestRefusalOfAName(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setLocal("192.0.2.7")
	f.connect(node(strings.ToUpper(a), "0.0.0.0"), node(b, "192.0.2.7"), node(c, "192.0.2.3"), node(strings.Repeat("x", 100)))
	f.curator.Set(node(c, "224.0.0.1"))
	for name, want := range map[string]string{
		a: "unspecified", strings.ToUpper(a): "unspecified", b: "this machine's own", strings.ToUpper(b): "this machine's own",
		c: "multicast", strings.Repeat("x", 100): "no node-ID shape", self: "", "y": "", "": "",
	} {
		reason, refused := f.Refusal(name)
		if refused != (want != "") || !strings.Contains(reason, want) {
			t.Errorf("%s: %q, %v, want %q", name, reason, refused, want)
		}
	}
}

// A backlog of which nothing is accepted is not an empty one. It is reported at
// once, each time and in one line, and departs no node if it names none.
func TestBacklogThatIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		entries []Entry
		departs bool // the nodes that it does not name
		want    []string
	}{
		"another prefix": {
			[]Entry{node("other-1", "192.0.2.1"), node("other-2", "192.0.2.2")},
			false,
			[]string{"all entries of the cluster backlog are invalid", "count=2", `\"other-1\": the name has no node-ID shape`, "other-2"},
		},
		"bad addresses": {
			[]Entry{node(a, "127.0.0.1")},
			true,
			[]string{"all entries of the cluster backlog are invalid", "count=1", "is a loopback address"},
		},
		"empty": {nil, false, []string{"empty cluster backlog ignored"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.connect(node(c, "192.0.2.3"))
			for range 2 {
				f.logged.Reset()
				f.curator.Begin()
				for _, e := range test.entries {
					f.curator.Set(e)
				}
				f.curator.Complete()
				log := f.logged.String()
				for _, part := range test.want {
					if !strings.Contains(log, part) {
						t.Errorf("logged %q, want a line with %q", log, part)
					}
				}
				if strings.Contains(log, "invalid cluster entries ignored") {
					t.Errorf("reported twice: %s", log)
				}
				f.pass(2 * refusalLogInterval)
				f.logged.Reset()
				f.flushLateRefusals()
				if f.logged.Len() != 0 {
					t.Errorf("and once more: %s", &f.logged)
				}
			}
			f.wantDeparted(c, test.departs)
			if got := f.Snapshot().Counts().Quarantined; got != len(test.entries) || len(f.Snapshot().Refused()) != got {
				t.Errorf("%d are quarantined and %v listed, want %d", got, f.Snapshot().Refused(), len(test.entries))
			}
		})
	}
}

// What is held back for the sake of fewer lines is logged once that is over,
// though nothing else happens.
func TestRefusalsThatAreHeldBackAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var log testkit.Log
		f := newFixture(t, func(c *Config) {
			c.Clock = func() time.Duration { return time.Since(start) }
			c.Logger = log.LoggerFrom(slog.LevelDebug)
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.Run(ctx) }()
		f.connect(node(a, "192.0.2.1"))
		for _, id := range []string{b, c} {
			f.curator.Set(node(id, "127.0.0.1"))
		}
		lines := func() int { return log.Count("invalid cluster entries ignored") }
		if n := lines(); n != 1 {
			t.Errorf("%d lines at once, want 1", n)
		}
		time.Sleep(2 * refusalLogInterval)
		synctest.Wait()
		if n := lines(); n != 2 {
			t.Errorf("%d lines after a while, want 2", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
