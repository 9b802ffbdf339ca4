package hostsfile

import (
	"os"
	"strings"
	"testing"
)

// What saves the nodes is called before the file has them, once for each write, and
// not where the file gets none of the zone's.
func TestBeforeHosts(t *testing.T) {
	t.Parallel()
	s := newScratch(t)
	store := newStore(t)
	source := store.Source("test")
	source.Expect(true)
	cfg := s.hostsOnly()
	cfg.HostsMaxNodes = 3
	var found []string // what the file had at each call
	cfg.BeforeHosts = func() {
		text, _ := os.ReadFile(s.path("etc/hosts"))
		found = append(found, string(text))
	}
	cfg.Written = func(string) { found = append(found, "written") }
	k := mustKeeper(t, cfg)
	step := func(what string, change func(), want ...string) {
		t.Helper()
		found = nil
		change()
		if _, err := k.apply(k.hosts, store.Snapshot()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(found, "; "); got != strings.Join(want, "; ") {
			t.Errorf("%s:\n%s\nwant:\n%s", what, got, strings.Join(want, "; "))
		}
	}
	write(t, s.path("etc/hosts"), block(peerLine(1)))
	step("our address, before the zone is ready", func() { source.Begin(); join(source, 2); setLocal(store, "192.0.2.7") }, "written")
	before := block(peerLine(1) + "192.0.2.7 " + string(self) + "\n")
	step("the backlog", source.Complete, before, "written")
	step("the same", func() { source.Set() })
	after := block(peerLine(2) + "192.0.2.7 " + string(self) + "\n")
	step("a backlog that is not complete", func() { source.Begin(); join(source, 3) }, after, "written")
	step("more nodes than it may have", func() { join(source, 4, 5) }, "written")
	wantFile(t, s.path("etc/hosts"), block("192.0.2.7 "+string(self)+"\n"))
}
