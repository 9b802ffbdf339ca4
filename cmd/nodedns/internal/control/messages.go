package control

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// Node is one node of the zone.
type Node struct {
	ID string `json:"id"`
	// Names that it answers to, the preferred one first, without its ID; those
	// that it claims and does not have, since other nodes claim them too; and which
	// of all come from files, with an ID that is one.
	Names     []string     `json:"names"`
	Contested []string     `json:"contested_names"`
	FileNames []string     `json:"file_names"`
	Addresses []netip.Addr `json:"addresses"`
	Roles     []string     `json:"roles"`
	// State in the cluster: unknown, new, standby, up or decommissioned.
	State string `json:"state"`
	// Source that the addresses come from.
	Source   string `json:"source"`
	Local    bool   `json:"local"`
	Departed bool   `json:"departed"`
	// Since is when the addresses were received or, of a departed node, when it
	// departed. It is absent where nothing is known yet.
	Since *time.Time `json:"since"`
}

func newNode(n zone.Node) Node {
	node := Node{
		ID:        string(n.ID()),
		Names:     []string{},
		Contested: []string{},
		FileNames: []string{},
		Addresses: slices.AppendSeq([]netip.Addr{}, n.Addrs()),
		Roles:     n.Roles().Names(),
		State:     n.State().String(),
		Source:    n.Source(),
		Local:     n.IsLocal(),
		Departed:  n.Departed(),
	}
	for name := range n.Names() {
		switch {
		case !name.Owned:
			node.Contested = append(node.Contested, name.Text)
		case name.Text != node.ID:
			node.Names = append(node.Names, name.Text)
		}
		if name.Origin == zone.NameFromFile {
			node.FileNames = append(node.FileNames, name.Text)
		}
	}
	if since := n.Since(); since.Unix() > 0 {
		since = since.UTC().Truncate(time.Second)
		node.Since = &since
	}
	return node
}

// Flushed is what a flush did.
type Flushed struct {
	Answers int `json:"flushed"` // that were forgotten
}

// Reloaded is what a reload did.
type Reloaded struct {
	// Changed are the keys whose new values are in effect, and Restart those
	// that differ from what the daemon was started with and take a restart.
	Changed []string `json:"changed"`
	Restart []string `json:"restart"`
	// Warnings are about what is valid but probably not intended.
	Warnings []string `json:"warnings"`
}

// failure is an error on its way to the client.
type failure struct {
	Error string `json:"error"`
}
