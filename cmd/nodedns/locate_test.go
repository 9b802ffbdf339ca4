package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/config"
)

// A daemon can be queried whatever became of its configuration since it
// started.
func TestStatusWithoutConfiguration(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.start()
	good := m.read("nodedns.toml")
	for name, text := range map[string]string{
		"an unknown key":      good + "zone.colour = 1\n",
		"a wrong value":       good + "zone.ttl = true\n",
		"no TOML at the end":  good + "zone.ttl = \n",
		"two of these things": good + "zone.colour = 1\nzone.shape = 1\n",
	} {
		m.write("nodedns.toml", text)
		o := m.command("status")
		o.expect(t, exitOK, nodeID, "nodedns: warning: the configuration cannot be used, asking the daemon on "+m.path("control.sock")+": "+m.path("nodedns.toml"))
		if strings.Count(o.stderr, "\n") != 1 {
			t.Errorf("%s: want one line of warning:\n%s", name, o.stderr)
		}
		for _, args := range [][]string{{"nodes"}, {"query", nodeID}, {"explain", "--dry-run", nodeID, "TXT"}, {"flush"}} {
			m.command(args[0], args[1:]...).expect(t, exitOK, "", "warning")
		}
	}
	// No configuration is needed, nor read, with --control.
	m.command("status", "--control", m.path("control.sock")).expect(t, exitOK, nodeID, "")
}

// A file system that hangs holds no command up for ever.
func TestLocateWhileReadingHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		hang := func() (config.Config, error) { <-release; return config.Config{}, errors.New("late") }
		found, err := locate(hang, func() (c config.Config) { return c }, func() (c config.Config, err error) {
			c.Control.Socket = "/by/flag"
			return c, nil
		})
		if err != nil || found.socket != "/by/flag" || found.problem == nil {
			t.Errorf("got %+v, error %v", found, err)
		}
		close(release)
	})
}
