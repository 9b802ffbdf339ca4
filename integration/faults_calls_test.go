package integration

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/internal/testkit/baddisk"
)

// Whichever call to the managed files fails, and with which error, the node answers, its
// files are whole, and what is wrong shows with the file and the call. It is over when
// the disk works again, and then the user's files can be restored.
func TestCallsToFilesFail(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	for _, tt := range testkit.Some(5, []struct {
		op    baddisk.Op
		errno unix.Errno
	}{
		{baddisk.Write, unix.EIO},
		{baddisk.Sync, unix.EIO},
		{baddisk.Rename, unix.ENOSPC},
		{baddisk.Open, unix.EACCES},
		{baddisk.Read, unix.EIO},
		{baddisk.Read, unix.EACCES},
		{baddisk.Open, unix.EIO},
		{baddisk.Open, unix.ENOSPC},
		{baddisk.Write, unix.EACCES},
		{baddisk.Write, unix.ENOSPC},
		{baddisk.Sync, unix.EACCES},
		{baddisk.Sync, unix.ENOSPC},
		{baddisk.Rename, unix.EACCES},
		{baddisk.Rename, unix.EIO},
	}) {
		t.Run(fmt.Sprintf("%s: %v", tt.op, tt.errno), func(t *testing.T) {
			t.Parallel()
			n := newBadNode(t)
			n.spoil(tt.op, tt.errno)
			n.launch()
			eventually(t, "our own name", func() error { return n.resolves(n.id, n.v4(), n.v6()) })
			eventually(t, "it has met the fault", func() error { return n.hasMet("hosts", "resolv.conf", "machine-id", "hostname", "saved-nodes") })
			eventually(t, "what is wrong shows", func() error { return n.complains(tt.op, tt.errno) })
			n.disk.Repair()
			eventually(t, "the files are written", n.isWritten)
			eventually(t, "it is well", func() error { return n.assessed("ready") })

			n.spoil(tt.op, tt.errno)
			n.list(latecomer)
			eventually(t, "the latecomer", func() error { return n.resolves("late-1", latecomer.Addresses...) })
			eventually(t, "it has met the fault", func() error { return n.hasMet("hosts") })
			eventually(t, "what is wrong shows", func() error { return n.complains(tt.op, tt.errno) })
			n.disk.Repair()
			eventually(t, "the latecomer by the file", func() error { return n.glibcKnows("files", "late-1", latecomer.Addresses...) })
			eventually(t, "it is well again", func() error { return n.assessed("ready") })
			n.endAndRestore()
		})
	}
}

// A daemon that is killed again and again while it starts, and with it writes each of its
// files, leaves all of them whole, and the user's to be restored.
func TestDaemonKilledAtItsStart(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	n := newBadNode(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	written := 0
	for i := range testkit.Times(5, 100) {
		n.list(listed{Names: []string{fmt.Sprintf("late-%d", i)}, Addresses: latecomer.Addresses})
		d := n.boot()
		eventually(t, "it is about to write", func() error { return d.logged("zone loaded") })
		time.Sleep(time.Duration(random.Int64N(int64(150 * time.Millisecond))))
		d.kill()
		written += len(n.before) + 1 - len(n.stale())
	}
	t.Logf("%d files had been written by then", written)
	n.boot()
	eventually(t, "the files are written", n.isWritten)
	eventually(t, "it is well", func() error { return n.assessed("ready") })
	n.endAndRestore()
}

// badNode is a node whose disk may be bad.
type badNode struct {
	*node
	disk   baddisk.Disk
	before map[string]string // the managed files, as their users have them
	listed string            // that the hosts file and the saved nodes have to have

	mu     sync.Mutex
	failed []string // the paths of calls that have
}

const nodesFile = "/etc/nodedns/nodes.d/fleet.hosts"

func newBadNode(t *testing.T) *badNode {
	t.Helper()
	n := &badNode{node: newNode(newLAN(t), "node"), before: map[string]string{}}
	n.address()
	n.configure(stubMode, `hostname_file = "/etc/hostname"`, noUpstream, "[nodes]", `files = ["/etc/nodedns/nodes.d"]`)
	n.list(listed{Names: []string{"early-1"}, Addresses: latecomer.Addresses})
	for _, path := range []string{"/etc/hosts", "/etc/resolv.conf", "/etc/machine-id", "/etc/hostname"} {
		n.before[path] = n.read(path)
	}
	return n
}

// list has the file of nodes list one.
func (n *badNode) list(one listed) {
	n.t.Helper()
	n.listed = one.Names[0]
	n.write(nodesFile, hostsFormat(one))
}

func (n *badNode) launch() {
	n.t.Helper()
	n.daemon = n.launchDaemon(nil, nil, func(cmd *exec.Cmd) error { return n.disk.Start(cmd, n.start) })
}

// spoil has calls to the managed files fail.
func (n *badNode) spoil(op baddisk.Op, errno unix.Errno) {
	n.mu.Lock()
	n.failed = nil
	n.mu.Unlock()
	n.disk.Fail(func(called baddisk.Op, path string) unix.Errno {
		if called != op || !n.isManaged(path) {
			return 0
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.failed = append(n.failed, path)
		return errno
	})
}

// hasMet fails unless calls have failed to each of the files, or to the new one that is
// to take its place.
func (n *badNode) hasMet(names ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range names {
		if !slices.ContainsFunc(n.failed, func(path string) bool { return strings.Contains(path, name) }) {
			return fmt.Errorf("no call to %s has failed, of %q", name, n.failed)
		}
	}
	return nil
}

// isManaged is whether a path is that of a managed file, or of one that takes its place,
// or their directory.
func (n *badNode) isManaged(path string) bool {
	return path == "/etc" || filepath.Dir(path) == "/etc" || path == filepath.Dir(savedFile) || strings.HasPrefix(path, savedFile)
}

// stale are the managed files that are not what they should be.
func (n *badNode) stale() (paths []string) {
	n.t.Helper()
	for path := range n.before {
		if !n.isOurs(path) {
			paths = append(paths, path)
		}
	}
	if saved, err := os.ReadFile(n.path(savedFile)); err != nil || !strings.Contains(string(saved), n.listed) {
		paths = append(paths, savedFile)
	}
	return paths
}

// isOurs reports whether a managed file is what it should be, or as its user has it, once
// it is one of these: who reads it while it is written in place sees a part of each.
func (n *badNode) isOurs(path string) (ours bool) {
	n.t.Helper()
	before := n.before[path]
	eventually(n.t, path+" is whole", func() error {
		text := n.read(path)
		ours = map[string]bool{
			"/etc/hosts":       strings.HasPrefix(text, before) && strings.Contains(text, n.id) && strings.Contains(text, n.listed),
			"/etc/resolv.conf": strings.HasPrefix(text, "# Written by nodedns") && strings.HasSuffix(text, "\n"),
			"/etc/machine-id":  text == n.id,
			"/etc/hostname":    text == n.id+"\n",
		}[path]
		isOlder := path == "/etc/hosts" && strings.HasPrefix(text, before) && strings.HasSuffix(text, "# END nodedns\n")
		if !ours && text != before && !isOlder {
			return fmt.Errorf("it is %q", text)
		}
		return nil
	})
	return ours
}

func (n *badNode) isWritten() error {
	if stale := n.stale(); len(stale) > 0 {
		return fmt.Errorf("not written: %q", stale)
	}
	return nil
}

// complains fails unless each file that is not as it should be is in an error of the
// status, with what failed.
func (n *badNode) complains(op baddisk.Op, errno unix.Errno) error {
	s, err := n.status()
	if err != nil {
		return err
	}
	var missing []error
	for _, path := range n.stale() {
		found := false
		for _, text := range s.Errors {
			found = found || strings.Contains(text, path) && strings.Contains(text, string(op)) && strings.Contains(text, errno.Error())
		}
		if !found {
			missing = append(missing, fmt.Errorf("nothing about %s in %q", path, s.Errors))
		}
	}
	return errors.Join(missing...)
}

// endAndRestore ends the daemon, and has what it changed undone.
func (n *badNode) endAndRestore() {
	n.t.Helper()
	n.daemon.signal(unix.SIGTERM)
	if status := n.daemon.exit(); status != 0 {
		n.t.Errorf("the exit status is %d", status)
	}
	_, err := n.nodedns("restore", "--config", configFile)
	must(n.t, err)
	for path, before := range n.before {
		if got := n.read(path); got != before {
			n.t.Errorf("%s is %q after restore, want %q", path, got, before)
		}
	}
	if left, _ := filepath.Glob(n.path("/etc/.*")); len(left) > 0 {
		n.t.Errorf("left behind: %q", left)
	}
}
