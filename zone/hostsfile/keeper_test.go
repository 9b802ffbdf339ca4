package hostsfile

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no ID", Config{}, "node ID"},
		{"mode", Config{ID: self, Settings: Settings{HostsMode: "mine"}}, `"mine"`},
		{"format", Config{ID: self, Settings: Settings{MachineIDFormat: "uuid"}}, `"uuid"`},
		{"limit", Config{ID: self, Settings: Settings{HostsMaxNodes: -1}}, "-1"},
		{"relative root", Config{ID: self, Settings: Settings{Root: "root"}}, `root "root"`},
		{"relative path", Config{ID: self, StateDir: "/s", Settings: Settings{Hosts: "hosts"}}, `"hosts"`},
		{"no state directory", Config{ID: self, Settings: Settings{Hosts: "/etc/hosts"}}, "state directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %s", err, c.want)
			}
		})
	}
}

func TestStartWithoutAnyAddress(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	mustStart(t, s.config(), newStore(t))
	wantFile(t, s.path("etc/machine-id"), string(self))
	wantFile(t, s.path("etc/hostname"), string(self)+"\n")
	wantFile(t, s.path("etc/hosts"), block(""))
	for _, name := range []string{"machine-id", "hostname", "hosts"} {
		info, err := os.Stat(s.path("etc/" + name))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: mode %v, %v; want 0644", name, info.Mode(), err)
		}
	}
	s.wantNoLeftovers(t)
}

func TestOwnModeWritesTheWholeFile(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	write(t, s.path("etc/hosts"), "192.0.2.1 printer\n")
	cfg := s.hostsOnly()
	cfg.HostsMode = HostsOwn
	store := newStore(t)
	setLocal(store, "192.0.2.7")
	join(store.Source("test"), 3, 9)
	mustStart(t, cfg, store)
	wantFile(t, s.path("etc/hosts"), localhost4+localhost6+peerLine(3)+"192.0.2.7 "+string(self)+"\n"+peerLine(9))
}

func TestFilesThatAreOffAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	k := mustStart(t, Config{ID: self, StateDir: s.state, Settings: Settings{Root: s.root}}, newStore(t))
	if st := k.Status(); len(st) != 0 {
		t.Errorf("status %+v, want none", st)
	}
	if entries, err := os.ReadDir(s.path("etc")); err != nil || len(entries) != 0 {
		t.Errorf("etc holds %v, %v", entries, err)
	}
}

func TestStartTriesEverything(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	sys := realSystem()
	rename := sys.Rename
	sys.Rename = func(from, to string) error {
		if to == s.path("etc/hostname") {
			return unix.EIO
		}
		return rename(from, to)
	}
	k, err := newKeeper(s.config(), sys)
	if err != nil {
		t.Fatal(err)
	}
	err = k.Start(newStore(t).Snapshot())
	if err == nil || !strings.Contains(err.Error(), "hostname") {
		t.Errorf("error %v, want one for the hostname", err)
	}
	wantFile(t, s.path("etc/machine-id"), string(self))
	wantFile(t, s.path("etc/hosts"), block(""))
	for _, st := range k.Status() {
		failed := st.Path == s.path("etc/hostname")
		if (st.Error != "") != failed || (st.Failures == 1) != failed || (st.Writes == 0) != failed || (st.Written == nil) != failed || st.UpToDate == failed {
			t.Errorf("status %+v", st)
		}
	}
}

func TestStatusOfAFileThatNeededNoWrite(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	mustStart(t, s.config(), newStore(t))
	k, err := New(s.config())
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range k.Status() {
		if st.UpToDate {
			t.Errorf("status %+v before the start, want nothing known", st)
		}
	}
	if err := k.Start(newStore(t).Snapshot()); err != nil {
		t.Fatal(err)
	}
	for _, st := range k.Status() {
		if st.Writes != 0 || st.Written != nil || !st.UpToDate || st.Error != "" {
			t.Errorf("status %+v, want up to date without a write", st)
		}
	}
}

func TestWrittenIsCalledAfterAWriteOnly(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	var got []string
	cfg := s.hostsOnly()
	cfg.Written = func(path string) { got = append(got, path) }
	k := mustStart(t, cfg, newStore(t))
	if err := k.Start(newStore(t).Snapshot()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != s.path("etc/hosts") {
		t.Errorf("called for %q", got)
	}
}

// TestPeersOfAnEarlierRunStayUntilTheZoneIsReady follows a start after which
// the cluster takes its time.
func TestPeersOfAnEarlierRunStayUntilTheZoneIsReady(t *testing.T) {
	t.Parallel()
	for _, mode := range []HostsMode{HostsBlock, HostsOwn} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			cfg := s.hostsOnly()
			cfg.HostsMode = mode
			file := func(lines string) string {
				if mode == HostsOwn {
					return localhost4 + localhost6 + lines
				}
				return block(lines)
			}
			write(t, s.path("etc/hosts"), file(peerLine(3)+"192.0.2.1 "+string(self)+"\n"+peerLine(9)))

			store := newStore(t)
			src := store.Source("test")
			src.Expect(true)
			k := mustKeeper(t, cfg)
			step := func(want string) {
				t.Helper()
				if err := k.Start(store.Snapshot()); err != nil {
					t.Fatal(err)
				}
				wantFile(t, s.path("etc/hosts"), file(want))
			}
			step(peerLine(3) + "192.0.2.1 " + string(self) + "\n" + peerLine(9))
			setLocal(store, "192.0.2.7")
			own := "192.0.2.7 " + string(self) + "\n"
			step(peerLine(3) + own + peerLine(9))
			src.SetCluster("a")
			src.Begin()
			join(src, 4) // a part of the backlog
			step(peerLine(3) + own + peerLine(9))
			src.Complete()
			step(peerLine(4) + own)
			// Another cluster: what was of the first one goes at once.
			src.SetCluster("b")
			step(own)
		})
	}
}

func TestFindingsAreLoggedOnce(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	write(t, s.path("etc/hosts"), "192.0.2.1 printer\r\n"+hostsformat.BeginMarker+"\n")
	var log testkit.Log
	cfg := s.hostsOnly()
	cfg.Logger = log.LoggerFrom(slog.LevelDebug)
	store := newStore(t)
	k := mustStart(t, cfg, store)
	for _, addr := range []string{"192.0.2.7", "192.0.2.8"} {
		setLocal(store, addr)
		if err := k.Start(store.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	for part, want := range map[string]int{"CR LF": 1, "BEGIN nodedns": 1, "hosts written": 3, "nodes=1": 2, "changed by another program": 0} {
		if got := log.Count(part); got != want {
			t.Errorf("%q is in the log %d times, want %d", part, got, want)
		}
	}
}

func TestTooManyNodesAreWarnedOfOnce(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	var log testkit.Log
	cfg := s.hostsOnly()
	cfg.HostsMaxNodes = 2
	cfg.Logger = log.LoggerFrom(slog.LevelDebug)
	store := newStore(t)
	setLocal(store, "192.0.2.7")
	src := store.Source("test")
	k := mustStart(t, cfg, store)
	for _, n := range []int{8, 9, 10} {
		join(src, n)
		if err := k.Start(store.Snapshot()); err != nil {
			t.Fatal(err)
		}
	}
	wantFile(t, s.path("etc/hosts"), block("192.0.2.7 "+string(self)+"\n"))
	if got := log.Count("too many nodes"); got != 1 {
		t.Errorf("warned %d times, want once", got)
	}
}

func TestCheckSelf(t *testing.T) {
	t.Parallel()
	own := "192.0.2.7 " + string(self) + "\n"
	for _, c := range []struct {
		name, content string
		local         []string
		want          string // in the error; "" is none
	}{
		{"found", own, []string{"192.0.2.7"}, ""},
		{"one of two is missing", own, []string{"192.0.2.7", "2001:db8::7"}, "2001:db8::7 is missing"},
		{"missing", "", []string{"192.0.2.7"}, "192.0.2.7 is missing"},
		{"in a comment", "#" + own, []string{"192.0.2.7"}, "192.0.2.7 is missing"},
		{"a line of the user's", "127.0.1.1 host " + strings.ToUpper(string(self)) + "\n" + own, []string{"192.0.2.7"}, "127.0.1.1; remove that line"},
		{"nothing to find without an address", "", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScratch(t)
			write(t, s.path("etc/hosts"), c.content)
			store := newStore(t)
			setLocal(store, c.local...)
			err := mustKeeper(t, s.hostsOnly()).CheckSelf(store.Snapshot())
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	off := mustKeeper(t, Config{ID: self, Prefix: zone.DefaultPrefix, StateDir: t.TempDir()})
	store := newStore(t)
	setLocal(store, "192.0.2.7")
	if err := off.CheckSelf(store.Snapshot()); err != nil {
		t.Errorf("with the file turned off: %v", err)
	}
}

func TestStartRepairsWhatACrashLeft(t *testing.T) {
	t.Parallel()
	const old, data = "one old line\n", "a much longer new line\n"
	s := newScratch(t)
	write(t, s.path("etc/elsewhere"), data[:6]+old[6:]) // no longer configured
	write(t, s.path("etc/.hosts.nodedns-12"), "part")
	write(t, s.path("etc/.machine-id.nodedns-12"), "part")
	write(t, s.path("etc/.hostname.nodedns-12"), "part")
	k := mustKeeper(t, s.config())
	journal, err := json.Marshal(map[string]any{"Path": s.path("etc/elsewhere"), "Old": []byte(old), "New": []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	writeRecord(t, filepath.Join(s.state, "overwrites/elsewhere.json"), string(journal))
	unfinished := []string{
		filepath.Join(s.state, "overwrites/.elsewhere.json12"),
		filepath.Join(s.state, "originals/.hosts.json12"),
	}
	for _, path := range unfinished {
		writeRecord(t, path, "part")
	}
	if err := k.Start(newStore(t).Snapshot()); err != nil {
		t.Fatal(err)
	}
	wantFile(t, s.path("etc/elsewhere"), old)
	wantNone(t, filepath.Join(s.state, "overwrites/elsewhere.json"))
	for _, path := range unfinished {
		wantNone(t, path)
	}
	s.wantNoLeftovers(t)
}
