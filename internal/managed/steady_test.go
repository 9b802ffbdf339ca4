package managed

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A caller that logs each error once would log one that names another temporary
// file each time for ever.
func TestTheSameFailureReadsTheSame(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := newScratch(t)
	f := s.file("/etc/file")
	f.Links = true
	if err := os.Mkdir(s.state, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{s.root, s.state} {
		mount(t, "tmpfs", dir, "tmpfs", 0, "")
	}
	for _, dir := range []string{s.path("etc"), s.state + "/" + originalsDir} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{s.root, s.state} {
		mount(t, "", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	for name, fail := range map[string]func() error{
		"a file": func() error {
			_, err := f.Update(To([]byte("new")))
			return err
		},
		"a symlink": func() error { return f.PutLink("/target") },
		"a record":  func() error { return Backups{s.state, f.System}.Save(Backup{Path: "/etc/file"}) },
	} {
		one, two := fail(), fail()
		if !errors.Is(one, unix.EROFS) {
			t.Errorf("%s: %v, want that it is read-only", name, one)
			continue
		}
		if one.Error() != two.Error() {
			t.Errorf("%s: two names for the same failure\n%v\n%v", name, one, two)
		}
	}
}

func TestSteadyLeavesTheRestOfTheTextAlone(t *testing.T) {
	t.Parallel()
	const text = "rename /etc/.file.nodedns-%s /etc/file: .file.nodedns- is busy 42 times"
	got := steadily(errors.New(strings.ReplaceAll(text, "%s", "1234")), ".file.nodedns-").Error()
	if want := strings.ReplaceAll(text, "%s", "*"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if steadily(nil, ".") != nil {
		t.Error("no error has become one")
	}
}
