package doctor

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
)

// What another program has put in the place of a file is named, and not waited
// for.
func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	for _, path := range []string{"/etc/hosts", machine.ResolvConf, machine.Nsswitch, "/etc/host.conf"} {
		_ = os.Remove(p.Root + path) // which may not be there
		if err := unix.Mkfifo(p.Root+path, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, found := p.read(path); found {
			t.Errorf("%s was read", path)
		}
		want := "could not look at " + path + ": not a regular file, but a FIFO"
		if !slices.ContainsFunc(Examine(p.Input), func(f Finding) bool { return f.Check == unseen && f.Text == want }) {
			t.Errorf("%s is not named", path)
		}
	}
}

// A BEGIN whose END is gone hides none of the user's lines.
func TestBlockWithoutEnd(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	p.write("root/etc/hosts", "127.0.0.1 localhost\n# BEGIN nodedns\n127.0.1.1 "+self+"\n")
	want := "/etc/hosts: line 3, 127.0.1.1 " + self
	if !slices.ContainsFunc(Examine(p.Input), func(f Finding) bool { return f.Check == "hosts-lines" && strings.HasSuffix(f.Text, want) }) {
		t.Errorf("no finding about %s: %+v", want, Examine(p.Input))
	}
}
