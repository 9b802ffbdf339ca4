package nodedns

import (
	"strings"
	"testing"

	"github.com/nodedns/nodedns/internal/boottime"
	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/zone"
)

// A clone of this machine is an error with its remedy, in the log and in the
// status, and the local name goes on being answered.
func TestConflict(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.publish("192.0.2.1")
	source := f.Zone().Source("test")
	source.Set(zone.Entry{ID: self, Addresses: testkit.Addrs("192.0.2.1"), BootID: boottime.ID()})
	if got := f.Status(); got.Conflict != "" || got.State != StateReady {
		t.Errorf("state %s, conflict %q", got.State, got.Conflict)
	}
	source.Set(zone.Entry{ID: self, Addresses: testkit.Addrs("192.0.2.66"), BootID: "0123456789abcdef"})
	status := f.Status()
	if !strings.Contains(status.Conflict, "nodedns init --force") || status.State != StateDegraded || len(status.Errors) != 1 {
		t.Errorf("status %+v", status)
	}
	f.eventually("an error line", func() bool {
		return f.logged.Count(`level=ERROR msg="another machine has this node's key"`) == 1
	})
	if got := f.lookup(self); got != "192.0.2.1" {
		t.Errorf("our own name is %s", got)
	}
}
