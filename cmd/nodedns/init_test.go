package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// newcomer is a machine without an identity.
func newcomer(t *testing.T) *testMachine {
	t.Helper()
	m := newMachine(t)
	m.options = append(m.options, "--identity.node_id=", "--identity.public_key", m.path("keys/node.pub"))
	return m
}

func (m *testMachine) init(args ...string) made {
	m.t.Helper()
	o := m.command("init", append(args, "--json")...)
	o.expect(m.t, exitOK, "", "")
	var result made
	if err := json.Unmarshal([]byte(o.stdout), &result); err != nil {
		m.t.Fatalf("%v in %s", err, o.stdout)
	}
	return result
}

func TestInit(t *testing.T) {
	t.Parallel()
	m := newcomer(t)
	m.command("check").expect(t, exitUsage, "", "nodedns init")
	first := m.init()
	if first.PublicKey != m.path("keys/node.pub") || first.PrivateKey != m.path("keys/node.key") {
		t.Errorf("the keys are in %+v", first)
	}
	for name, want := range map[string]fs.FileMode{"keys": fs.ModeDir | 0o755, "keys/node.key": 0o600, "keys/node.pub": 0o644} {
		if info, err := os.Stat(m.path(name)); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, %v, want mode %v", name, info, err, want)
		}
	}
	m.command("check").expect(t, exitOK, string(first.NodeID), "")
	// Both files are the same identity.
	m.command("check", "--identity.public_key", first.PrivateKey).expect(t, exitOK, "", "")

	t.Run("again", func(t *testing.T) {
		m.command("init").expect(t, exitFailed, "", "--force")
		m.command("check").expect(t, exitOK, string(first.NodeID), "")
	})
	t.Run("half made", func(t *testing.T) {
		if err := os.Remove(first.PublicKey); err != nil {
			t.Fatal(err)
		}
		if got := m.init(); got != first {
			t.Errorf("got %+v, want the same identity %+v", got, first)
		}
	})
	t.Run("by force", func(t *testing.T) {
		if err := os.Chmod(first.PrivateKey, 0o644); err != nil {
			t.Fatal(err)
		}
		second := m.init("--force")
		if second.NodeID == first.NodeID {
			t.Error("the identity is the old one")
		}
		if info, err := os.Stat(first.PrivateKey); err != nil || info.Mode() != 0o600 {
			t.Errorf("the private key: got %v, %v, want mode 0600", info, err)
		}
		m.command("check").expect(t, exitOK, string(second.NodeID), "")
	})
}

func TestInitForPeople(t *testing.T) {
	t.Parallel()
	m := newcomer(t)
	o := m.command("init", "--identity.node_id", "chosen")
	o.expect(t, exitOK, "node ID      metropolis-", "")
	o.expect(t, exitOK, "overrides it: the configuration names this node chosen", "")
}

func TestInitRefuses(t *testing.T) {
	t.Parallel()
	m := newcomer(t)
	m.write("file", "")
	m.write("broken/node.key", "hello\n")
	tests := []struct {
		name, path string
		code       int
		want       string
	}{
		{"no place", "", exitUsage, "identity.public_key is empty"},
		{"both keys in one file", m.path("keys/node.key"), exitUsage, "name another file"},
		{"a place that cannot be", m.path("file/node.pub"), exitFailed, "file"},
		{"a private key that is none", m.path("broken/node.pub"), exitFailed, "broken/node.key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m.command("init", "--identity.public_key", tt.path).expect(t, tt.code, "", tt.want)
		})
	}
	if got := m.read("broken/node.key"); !strings.HasPrefix(got, "hello") {
		t.Errorf("what was there is gone: %q", got)
	}
}
