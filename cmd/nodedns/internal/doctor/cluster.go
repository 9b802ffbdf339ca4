package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nodedns/nodedns/resolver/upstream"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

func lookAtConflict(m *Machine) []Finding {
	if m.Status == nil || m.Status.Conflict == "" {
		return nil
	}
	return []Finding{problem(m.Status.Conflict,
		"two machines made from one image are one node for the cluster: each overwrites what the other says of itself",
		"`nodedns init --force` on one of the two, and enrol it again; make the machine-id of a copy anew too")}
}

// lookAtKeys finds private keys that others can read.
func lookAtKeys(m *Machine) []Finding {
	var findings []Finding
	dirs := []string{filepath.Dir(m.Config.Identity.PublicKey), m.Config.Curator.Credentials}
	if dirs[0] == dirs[1] {
		dirs = dirs[:1]
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, nodetls.KeyFile)
		info, err := os.Stat(path)
		if !filepath.IsAbs(path) || err != nil {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			findings = append(findings, warning(fmt.Sprintf("%s has mode %04o", path, mode),
				"who can read the key can pass for this node", "chmod 600 "+path))
		}
	}
	return findings
}

// soon is when a certificate that expires is worth a word.
const soon = 14 * 24 * time.Hour

// lookAtCredentials looks at the files and not at what the daemon says of them,
// which needs no daemon, and tells when they expire.
func lookAtCredentials(m *Machine) []Finding {
	c := m.Config.Curator
	if len(c.Endpoints) == 0 || c.Insecure || c.Credentials == "" {
		return nil
	}
	const mend = "renew them, or enrol this node again"
	credentials, err := nodetls.Load(c.Credentials, m.Config.Identity.Prefix, certified(m))
	var fault *nodetls.LoadError
	switch {
	case errors.Is(err, fs.ErrPermission):
		m.note(c.Credentials, err)
		return nil
	case errors.As(err, &fault) && fault.Waiting():
		return []Finding{note(err.Error(), "the cluster is not asked before they are there", "enrol this node")}
	case err != nil:
		return []Finding{problem(err.Error(), "the cluster cannot be asked for its nodes", mend)}
	}
	leaf := credentials.Certificate.Leaf
	day := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case m.Now.After(leaf.NotAfter):
		return []Finding{warning("the certificate in "+c.Credentials+" has expired on "+day,
			"nodedns uses it all the same; other programs do not", mend)}
	case m.Now.Add(soon).After(leaf.NotAfter):
		return []Finding{warning("the certificate in "+c.Credentials+" expires on "+day, "other programs will not use it then", mend)}
	case m.Now.Before(leaf.NotBefore):
		return []Finding{warning("the certificate in "+c.Credentials+" is valid from "+leaf.NotBefore.UTC().Format(time.DateOnly)+" only",
			"this machine's clock is slow, or that of who made it fast", "set the clock right")}
	}
	return nil
}

func lookAtCurator(m *Machine) []Finding {
	if m.Status == nil {
		return nil
	}
	c := m.Status.Curator
	seen := string(c.State)
	if c.Detail != "" {
		seen += ": " + c.Detail
	}
	switch c.State {
	case curator.StateBadCredentials:
		// With rights to read them the check of the credentials has said so.
		if slices.Contains(m.blind, m.Config.Curator.Credentials) {
			return []Finding{problem(seen, "the cluster cannot be asked for its nodes", "renew them, or enrol this node again")}
		}
	case curator.StateRefused:
		return []Finding{problem(seen, "this node is told nothing of the cluster any more; what it knows gets old",
			"find out whether the node is still a member of this cluster, and enrol it again if not")}
	case curator.StateBackingOff:
		if c.DataSince == nil {
			return []Finding{problem(seen, "no curator is reached, and nothing is known of the cluster",
				"look whether curator.endpoints are right, and reachable from here")}
		}
		return []Finding{warning(seen, "no curator is reached: what is known of the cluster is of "+c.DataSince.Format(time.RFC3339),
			"look whether a curator runs, and is reachable from here")}
	}
	return nil
}

func lookAtZone(m *Machine) []Finding {
	if m.Status == nil {
		return nil
	}
	var findings []Finding
	if n := m.Status.Nodes.Quarantined; n > 0 {
		findings = append(findings, warning(fmt.Sprintf("what the cluster says of %d nodes is refused", n),
			"they keep the address known before, or have none", "`journalctl -u nodedns` has each with the reason; mend it where the cluster gets it from"))
	}
	if len(m.Status.Contested) > 0 {
		findings = append(findings, warning("several nodes claim an address: "+several(m.Status.Contested),
			"only one of them can be reached by it, and it has one reverse name", "give each an address of its own; a copied machine has that of the first"))
	}
	return findings
}

// lookAtUpstreams finds servers that do not answer.
func lookAtUpstreams(m *Machine) []Finding {
	if m.Status == nil {
		return nil
	}
	if len(m.Config.Upstream.Servers) > 0 && len(m.Status.Upstreams) == 0 {
		return []Finding{warning("there is no server for names that are not ours", "they are refused",
			"name servers in upstream.servers, or have the machine's own resolv.conf name them")}
	}
	dead, general := 0, 0
	var findings []Finding
	for _, u := range m.Status.UpstreamStatus {
		wrong := u.State == upstream.Down.String() || u.State == upstream.Looping.String()
		if u.General {
			general++
			if wrong {
				dead++
			}
		}
		if !wrong {
			continue
		}
		mend := "look whether it runs and is reachable, or name another one in upstream.servers"
		if u.State == upstream.Looping.String() {
			mend = "it asks us what we ask it: remove one of the two from the other's upstreams"
		}
		findings = append(findings, warning(fmt.Sprintf("upstream %s is %s: %s", u.Server, u.State, u.Reason),
			"the others are asked instead, if there are any", mend))
	}
	if dead > 0 && dead == general {
		for i := range findings {
			findings[i].Severity = Problem
			findings[i].Why = "no server for other names is left: only nodes and the hosts file are answered, and what is in the cache"
		}
	}
	return findings
}

// certified is the name that the certificate must have: a free name is not
// derived from a key, so no certificate can have it.
func certified(m *Machine) zone.ID {
	id, err := m.Config.Identity.Prefix.Parse(string(m.ID))
	if err != nil {
		return ""
	}
	return id
}
