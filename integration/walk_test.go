package integration

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// walker is a node that goes from state to state in one process, and what has
// to be true of it by now.
type walker struct {
	*node
	home, away *curator
	homePeer   string // a node that only the one cluster has
	awayPeer   string
	issued     string // the directory with our credentials of both clusters

	// before is when the stream began that the present state must have
	// replaced by another, or "".
	before string

	own     netip.Addr // our address; the last one once it is gone
	cluster string     // the one whose nodes we have: "home", "away" or ""
}

// The addresses of the two peers.
var (
	homeAddr = netip.MustParseAddr("10.88.0.101")
	awayAddr = netip.MustParseAddr("10.88.0.102")
)

// stages are the states of a node's lifecycle, each with the curator that is
// followed in it. Each is entered from every other.
var stages = []struct {
	name    string
	enter   func(*walker)
	follows func(*walker) *curator
}{
	{"no address", func(w *walker) { w.addressed(false); w.forget() }, nobodyFollowed},
	{"local only", func(w *walker) { w.addressed(true); w.forget() }, nobodyFollowed},
	{"cluster reachable", func(w *walker) { w.addressed(true); w.joinHome() }, homeFollowed},
	{"cluster lost", func(w *walker) { w.addressed(true); w.lose() }, nobodyFollowed},
	{"credentials changed", func(w *walker) { w.addressed(true); w.rotate() }, homeFollowed},
	{"credentials incomplete", func(w *walker) { w.addressed(true); w.breakCredentials() }, nobodyFollowed},
	{"another cluster", func(w *walker) { w.addressed(true); w.joinAway() }, awayFollowed},
}

func nobodyFollowed(*walker) *curator { return nil }
func homeFollowed(w *walker) *curator { return w.home }
func awayFollowed(w *walker) *curator { return w.away }

// Each state in one process, and with NODEDNS_FULL=1 each after each other one: a
// walk over all ordered pairs. In every state our own name is right, in DNS and in the file, and so
// is what is known of each cluster's nodes.
func TestStates(t *testing.T) {
	t.Parallel()
	needSandbox(t)
	w := newWalker(t)
	stages[0].enter(w)
	d := w.boot()
	eventually(t, "the daemon answers", func() error { return w.answers("NOERROR", w.id) })
	from := 0
	way := round(len(stages))
	if testkit.Full() {
		way = tour(len(stages))
	}
	for _, to := range way {
		w.before = ""
		stages[to].enter(w)
		step := fmt.Sprintf("%s, after %s", stages[to].name, stages[from].name)
		eventually(t, step, func() error {
			if err := d.running(); err != nil {
				return err
			}
			return w.right(stages[to].follows(w))
		})
		from = to
	}
}

// round visits n places once, by the longest of steps: neighbours are alike. It
// starts from place 0, to which it returns.
func round(n int) []int {
	var steps []int
	for i := 1; i < n; i++ {
		steps = append(steps, i*(n/2)%n)
	}
	return append(steps, 0)
}

// tour visits n places so that each is followed by each other one exactly
// once. It starts from place 0, which it does not list again at the front.
func tour(n int) []int {
	var steps []int
	for i := range n {
		for j := i + 1; j < n; j++ {
			steps = append(steps, i, j)
		}
	}
	return append(steps[1:], 0)
}

func TestTour(t *testing.T) {
	t.Parallel()
	const n = 7
	if len(stages) != n {
		t.Fatalf("there are %d states: prove it for that many", len(stages))
	}
	if got := round(n); len(got) != n || len(slices.Compact(slices.Sorted(slices.Values(got)))) != n {
		t.Errorf("the round is %v, want each place once", got)
	}
	seen := make(map[[2]int]int)
	from := 0
	for _, to := range tour(n) {
		seen[[2]int{from, to}]++
		from = to
	}
	for i := range n {
		for j := range n {
			if want := min(1, max(i-j, j-i)); seen[[2]int{i, j}] != want {
				t.Errorf("from %d to %d: %d times, want %d", i, j, seen[[2]int{i, j}], want)
			}
		}
	}
}

func newWalker(t testing.TB) *walker {
	t.Helper()
	l := newLAN(t)
	w := &walker{
		node: newNode(l, "node"),
		home: newCurator(l, "home"), away: newCurator(l, "away"),
		homePeer: strangerID(t), awayPeer: strangerID(t), issued: t.TempDir(),
	}
	w.home.tell("issue %s/home %s", w.issued, w.path(keyFile))
	w.away.tell("issue %s/away %s", w.issued, w.path(keyFile))
	w.configure(follows(w.home, w.away), noUpstream)
	w.stock()
	return w
}

// stock sends the curators what they may have lost by dying.
func (w *walker) stock() {
	w.t.Helper()
	w.home.tell("set %s -", w.id)
	w.home.tell("set %s %s", w.homePeer, homeAddr)
	w.away.tell("set %s -", w.id)
	w.away.tell("set %s %s", w.awayPeer, awayAddr)
}

// addressed gives the node an address, a new one each time, or takes it away.
func (w *walker) addressed(want bool) {
	w.t.Helper()
	w.strip()
	if !want {
		return
	}
	next := netip.MustParseAddr("10.88.0.201")
	if w.own == next {
		next = next.Next()
	}
	w.assign(next)
	w.own = next
}

// revive starts the curators that were killed.
func (w *walker) revive() {
	w.t.Helper()
	for _, c := range []*curator{w.home, w.away} {
		if c.cmd == nil {
			c.launch()
		}
	}
	w.stock()
}

// forget removes the credentials with their directory.
func (w *walker) forget() {
	w.t.Helper()
	w.revive()
	must(w.t, os.RemoveAll(w.path(credentialsDir)))
}

// breakCredentials leaves the others of the home cluster without the key.
func (w *walker) breakCredentials() {
	w.t.Helper()
	w.revive()
	must(w.t, os.RemoveAll(filepath.Join(w.path(credentialsDir), "node.key")))
}

func (w *walker) joinHome() {
	w.t.Helper()
	w.revive()
	w.install("home", false)
}

func (w *walker) joinAway() {
	w.t.Helper()
	w.revive()
	w.install("away", false)
}

// rotate replaces the credentials by others of the same cluster and node, in
// another encoding. The stream by the old ones has to end.
func (w *walker) rotate() {
	w.t.Helper()
	w.revive()
	s, err := w.status()
	must(w.t, err)
	w.home.tell("issue %s/home %s", w.issued, w.path(keyFile))
	w.install("home", true)
	w.before = s.Curator.ConnectedSince
}

// lose has good credentials and no curator to present them to. Nodes of the
// other cluster are forgotten with its credentials.
func (w *walker) lose() {
	w.t.Helper()
	known := w.cluster
	w.home.kill()
	w.away.kill()
	w.install("home", false)
	if known != "home" {
		w.cluster = ""
	}
}

// install puts the credentials of a cluster into place, file by file, in PEM
// or in DER.
func (w *walker) install(cluster string, der bool) {
	w.t.Helper()
	must(w.t, os.MkdirAll(w.path(credentialsDir), 0o755))
	for _, name := range []string{"ca.crt", "node.crt", "node.key"} {
		text, err := os.ReadFile(filepath.Join(w.issued, cluster, name))
		must(w.t, err)
		if der {
			block, _ := pem.Decode(text)
			text = block.Bytes
		}
		path := filepath.Join(w.path(credentialsDir), name)
		must(w.t, os.WriteFile(path+".new", text, 0o600))
		must(w.t, os.Rename(path+".new", path))
	}
	w.cluster = cluster
}

// right fails unless all that the walker expects is so, and it follows the
// right curator, if any.
func (w *walker) right(followed *curator) error {
	if err := w.rightAboutItself(); err != nil {
		return err
	}
	connection := func() error { return w.connection(false) }
	if followed != nil {
		connection = func() error { return w.follows(followed) }
	}
	if err := connection(); err != nil {
		return err
	}
	if s, err := w.status(); err != nil || w.before != "" && s.Curator.ConnectedSince == w.before {
		return errors.Join(err, fmt.Errorf("the stream is that of %q", w.before))
	}
	for _, peer := range []struct {
		cluster, id string
		addr        netip.Addr
	}{{"home", w.homePeer, homeAddr}, {"away", w.awayPeer, awayAddr}} {
		if err := w.rightAbout(peer.id, peer.addr, peer.cluster == w.cluster); err != nil {
			return fmt.Errorf("the node of %s: %w", peer.cluster, err)
		}
	}
	return nil
}

func (w *walker) rightAboutItself() error {
	if got := w.hostname(); got != w.id {
		return fmt.Errorf("the hostname is %s", got)
	}
	if !w.own.IsValid() {
		// Until the first address the name is there all the same.
		if err := w.remarks(14, "", w.id); err != nil {
			return err
		}
		return w.knows(w.id)
	}
	return w.knows(w.id, w.own)
}

func (w *walker) rightAbout(id string, addr netip.Addr, known bool) error {
	switch {
	case known:
		return w.knows(id, addr)
	case w.cluster == "":
		// No cluster is known, so nothing can be answered about its nodes.
		return w.answers("SERVFAIL", id)
	default:
		if err := w.answers("NXDOMAIN", id); err != nil {
			return err
		}
		return w.fileHas(id)
	}
}
