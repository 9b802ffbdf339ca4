package curator

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nodedns/nodedns/watchers/curator/memory"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
)

// enrolment is a node whose credentials go through all that can happen to them
// while it runs.
type enrolment struct {
	t       *testing.T
	cluster *memory.Cluster
	me      member
}

func (e enrolment) path(name string) string { return filepath.Join(e.me.dir, name) }

func (e enrolment) public() ed25519.PublicKey { return e.me.key.Public().(ed25519.PublicKey) }

// reissue replaces the certificate by a changed one.
func (e enrolment) reissue(change func(*x509.Certificate)) {
	der, err := e.cluster.Issue(e.public(), change)
	must(e.t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	must(e.t, os.WriteFile(e.path(nodetls.CertFile), text, 0o600))
}

func (e enrolment) truncate(name string) {
	data, err := os.ReadFile(e.path(name))
	must(e.t, err)
	must(e.t, os.WriteFile(e.path(name), data[:len(data)/2], 0o600))
}

// Each state of the credentials shows under its own name, has its effect on the
// connection, and gives way to the next one without a restart.
func TestEnrolmentStates(t *testing.T) {
	t.Parallel()
	cluster := newCluster(t)
	e := enrolment{t, cluster, newMember(t)}
	address, _ := serve(t, newServer(t, cluster, e.me.node()))
	w, _, _ := watch(t, Config{Endpoints: endpointsAt(address), Credentials: e.me.dir, LocalID: e.me.id})
	enrol := func() { e.me.enrol(t, cluster) }
	for _, step := range []struct {
		name        string
		bring       func()
		credentials string
		state       State
	}{
		{"nothing is there", func() {}, string(nodetls.FaultAbsent), StateAwaitingCredentials},
		{"they appear", enrol, CredentialsValid, StateConnected},
		{"the key vanishes", func() { must(t, os.Remove(e.path(nodetls.KeyFile))) }, string(nodetls.FaultIncomplete), StateAwaitingCredentials},
		{"it is back", enrol, CredentialsValid, StateConnected},
		{"they rotate to an expired one", func() {
			e.reissue(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Hour) })
		}, CredentialsExpired, StateConnected},
		{"and to one that is not valid yet", func() {
			e.reissue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) })
		}, CredentialsNotYet, StateConnected},
		{"one is half-written", func() { e.truncate(nodetls.CertFile) }, string(nodetls.FaultInvalid), StateBadCredentials},
		{"one is unreadable", func() {
			must(t, os.Remove(e.path(nodetls.CertFile)))
			must(t, os.Mkdir(e.path(nodetls.CertFile), 0o700))
		}, string(nodetls.FaultUnreadable), StateBadCredentials},
		{"all vanish", func() { must(t, os.RemoveAll(e.me.dir)) }, string(nodetls.FaultAbsent), StateAwaitingCredentials},
		{"those of another cluster", func() { e.me.enrol(t, newCluster(t)) }, CredentialsValid, StateRefused},
		{"two clusters mixed", func() {
			e.reissue(func(*x509.Certificate) {})
		}, string(nodetls.FaultForeignCA), StateBadCredentials},
		{"those of another node", func() {
			must(t, os.RemoveAll(e.me.dir))
			other := newMember(t)
			must(t, cluster.WriteCredentials(e.me.dir, other.key.Public().(ed25519.PublicKey), other.key))
		}, string(nodetls.FaultOtherNode), StateBadCredentials},
		{"the right ones", enrol, CredentialsValid, StateConnected},
	} {
		step.bring()
		status := awaitStatus(t, w, step.name, func(s Status) bool {
			return s.Credentials.State == step.credentials && s.State == step.state
		})
		if status.Credentials.Detail == "" || strings.Contains(status.Credentials.Detail, "\n") {
			t.Errorf("%s: detail %q, want one line", step.name, status.Credentials.Detail)
		}
	}
}

// The same through the embedding API: set, failing, replaced, taken away.
func TestDialerStates(t *testing.T) {
	t.Parallel()
	e := newEmbedded(t)
	w, _, _ := watch(t, Config{})
	if got := w.Status().Credentials.State; got != CredentialsNone {
		t.Errorf("credentials are %q without a dialer", got)
	}
	w.SetDialer(e.dial)
	awaitState(t, w, StateConnected)
	if got := w.Status().Credentials.State; got != CredentialsDialer {
		t.Errorf("credentials are %q with a dialer", got)
	}
	e.Behave(memory.Behaviour{Follower: true})
	awaitState(t, w, StateBackingOff)
	w.SetDialer(nil)
	awaitState(t, w, StateOff)
}
