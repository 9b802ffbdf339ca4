package selfcheck

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
	"github.com/nodedns/nodedns/resolver"
)

// A failure is logged when it begins, when it changes and when it ends.
func TestCheckOfTheFile(t *testing.T) {
	t.Parallel()
	var logged testkit.Log
	var file error
	written := false
	c := start(t)
	c.cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	c.cfg.File = func() (bool, error) { return written, file }
	c.cfg.Store.SetLocal([]netip.Addr{netip.MustParseAddr("192.0.2.1")})
	c.check(t.Context())
	if got := c.Status(); got.DNS == nil || !*got.DNS || got.File != nil {
		t.Errorf("before the file is written the status is %+v", got)
	}
	written = true
	for _, file = range []error{errors.New("no line"), errors.New("no line"), errors.New("another address"), nil, nil} {
		c.check(t.Context())
		if got := c.Failures(); (len(got) == 0) != (file == nil) {
			t.Errorf("with %v the failures are %v", file, got)
		}
	}
	if failed, works := logged.Count("self-resolution failed"), logged.Count("self-resolution works again"); failed != 2 || works != 1 {
		t.Errorf("logged %d failures and %d ends of one, want 2 and 1:\n%s", failed, works, logged.String())
	}
}

// That there is no listener is a failure that the status itself shows.
func TestCheckWithoutListener(t *testing.T) {
	t.Parallel()
	c := start(t, func(c *resolver.Config) { c.Listen = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.77:53")} })
	c.check(t.Context())
	if got := c.Status().DNS; got == nil || *got || len(c.Failures()) != 0 {
		t.Errorf("found %v, failures %v", got, c.Failures())
	}
}
