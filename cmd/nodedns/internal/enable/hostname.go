package enable

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/zone"
)

// The hostname becomes the node's ID, which is the name that a cluster has for the
// machine. Where there is no cluster, no other machine has heard of that ID, and a
// file of nodes lists machines by the names that they have: so the hostname is kept
// there, unless it is asked for.

// hostname is the machine's at present, or why it has none.
func (m *Manager) hostname() string {
	if m.Config.Files.Root != "" {
		return m.firstLineOf("/etc/hostname")
	}
	name, err := os.Hostname()
	if err != nil {
		return err.Error()
	}
	return name
}

// ownName is the first label of a hostname that is worth keeping, or "": a
// placeholder is not, nor is the ID of another node.
func (m *Manager) ownName() zone.ID {
	label, _, _ := strings.Cut(m.hostname(), ".")
	id, err := zone.ParseID(label)
	_, shaped := m.Config.Prefix.Parse(label)
	if err != nil || shaped == nil || m.Config.Files.Root != "" && label == empty {
		return ""
	}
	return id
}

// keepsHostname reports whether enabling all features leaves the hostname alone.
func (m *Manager) keepsHostname(p *Plan) bool {
	return p.all && !m.inCluster() && !has(p.active, Hostname) && m.ownName() != "" && m.hostname() != string(m.ID)
}

// inCluster reports whether a cluster has a name for this machine.
func (m *Manager) inCluster() bool { return len(m.Config.Endpoints) > 0 }

// kept is the remark on a hostname that is left alone.
func (m *Manager) kept() string {
	name := m.ownName()
	if name == m.ID {
		return "kept, as it begins with this node's ID"
	}
	return fmt.Sprintf("kept, as there is no curator; identity.node_id = %q makes it this node's ID, and --only %s sets it to %s",
		string(name), Hostname, m.ID)
}

// keepable is the remark on a hostname that changes, with some features: how to
// keep it.
func (m *Manager) keepable(features []Feature) string {
	name := m.ownName()
	if name == "" || m.hostname() == string(m.ID) {
		return ""
	}
	others := slices.DeleteFunc(slices.Clone(features), func(f Feature) bool { return f == Hostname })
	without := "without " + string(Hostname)
	if len(others) > 0 {
		without = "--only " + strings.ReplaceAll(strings.Trim(fmt.Sprint(others), "[]"), " ", ",")
	}
	switch {
	case m.inCluster():
		return fmt.Sprintf("it is the cluster's name for this machine; %s keeps %s", without, m.hostname())
	case name == m.ID:
		return fmt.Sprintf("%s keeps %s", without, m.hostname())
	}
	return fmt.Sprintf("%s keeps %s, or have its name be the node's ID: identity.node_id = %q", without, m.hostname(), string(name))
}
