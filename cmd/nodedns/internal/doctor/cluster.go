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
	"github.com/nodedns/nodedns/verdict"
	"github.com/nodedns/nodedns/watchers/curator"
	"github.com/nodedns/nodedns/watchers/curator/nodetls"
	"github.com/nodedns/nodedns/zone"
)

func checkConflict(m *Input) []Finding {
	return reasonsOf(m, "key", "two machines made from one image are one node for the cluster: each overwrites what the other reports of itself; "+
		"they have one machine-id, too")
}

// checkKeys finds private keys that others can read.
func checkKeys(m *Input) []Finding {
	var findings []Finding
	dirs := []string{filepath.Dir(m.Config.KeyFile), m.Config.Credentials}
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

// expiryWarning is how long before its expiry a certificate is reported.
const expiryWarning = 14 * 24 * time.Hour

// checkCredentials examines the files and not what the daemon reports of them,
// which needs no daemon, and finds when they expire.
func checkCredentials(m *Input) []Finding {
	c := m.Config
	if len(c.Endpoints) == 0 || c.Insecure || c.Credentials == "" {
		return nil
	}
	const fix = "renew them, or enrol this node again"
	credentials, err := nodetls.Load(c.Credentials, *m.Config.Prefix, certified(m))
	var fault *nodetls.LoadError
	switch {
	case errors.Is(err, fs.ErrPermission):
		m.note(c.Credentials, err)
		return nil
	case errors.As(err, &fault) && fault.Waiting():
		return []Finding{note(err.Error(), "the cluster is not asked before they are there", "enrol this node")}
	case err != nil:
		return []Finding{problem(err.Error(), "the cluster cannot be asked for its nodes", fix)}
	}
	leaf := credentials.Certificate.Leaf
	day := leaf.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case m.Now.After(leaf.NotAfter):
		return []Finding{warning("the certificate in "+c.Credentials+" has expired on "+day,
			"nodedns uses it all the same; other programs do not", fix)}
	case m.Now.Add(expiryWarning).After(leaf.NotAfter):
		return []Finding{warning("the certificate in "+c.Credentials+" expires on "+day, "other programs will not use it then", fix)}
	case m.Now.Before(leaf.NotBefore):
		return []Finding{warning("the certificate in "+c.Credentials+" is valid from "+leaf.NotBefore.UTC().Format(time.DateOnly)+" only",
			"this machine's clock is slow, or that of who made it fast", "set the clock right")}
	}
	return nil
}

// checkCurator takes over the verdict of the daemon.
func checkCurator(m *Input) []Finding {
	if m.Status == nil {
		return nil
	}
	findings := reasonsOf(m, curatorCheck, clusterImpact(&m.Status.Curator))
	v := m.Status.Verdict
	// What is wrong with the files may be seen by the daemon only, which is
	// another user.
	if (v.Has(verdict.BadCredentials) || v.Has(verdict.AwaitingCredentials)) &&
		slices.ContainsFunc(checkCredentials(m), func(f Finding) bool { return f.Severity != Warning }) {
		return nil
	}
	if m.Status.Ready && v.Has(verdict.CuratorLost) {
		for i := range findings {
			findings[i].Severity = Warning // what was known is answered
		}
	}
	return findings
}

// clusterImpact is what follows from the state of the connection.
func clusterImpact(c *curator.Status) string {
	switch {
	case c.Followed():
		return "the other nodes drop this one's name in time"
	case c.DataSince != nil:
		return "what is known of the cluster is of " + c.DataSince.Format(time.RFC3339) + ", and gets old"
	}
	return "nothing is known of the cluster: names of its nodes are SERVFAIL"
}

func checkZone(m *Input) []Finding {
	if m.Status == nil {
		return nil
	}
	var findings []Finding
	if n := m.Status.Nodes.Quarantined; n > 0 {
		var first []string
		for _, r := range m.Status.Refused {
			first = append(first, fmt.Sprintf("%q, since %s", r.ID, r.Reason))
		}
		text := fmt.Sprintf("%d entries of the cluster are refused", n)
		if len(first) > 0 {
			text += ": " + several(first)
		}
		findings = append(findings, warning(text,
			"they keep the address known before, or have none", "`journalctl -u nodedns` has each with the reason; fix it where the cluster gets it from"))
	}
	if len(m.Status.Contested) > 0 {
		findings = append(findings, warning("several nodes claim an address: "+several(m.Status.Contested),
			"only one of them can be reached by it, and it has one reverse name", "give each an address of its own; a copied machine has that of the first"))
	}
	if len(m.Status.ContestedNames) > 0 {
		findings = append(findings, warning("several nodes claim a name: "+several(m.Status.ContestedNames),
			"the one that had it before keeps it; where none had, the name is not answered", "give each a name of its own, by its label in the cluster or in the file of nodes"))
	}
	return findings
}

// checkUpstreams finds servers that do not answer.
func checkUpstreams(m *Input) []Finding {
	if m.Status == nil {
		return nil
	}
	var findings []Finding
	if len(m.Config.DNS.Upstreams.Servers) > 0 && len(m.Status.Upstreams) == 0 {
		findings = append(findings, warning("there is no server for names that are not ours", "they are refused",
			"name servers in upstream.servers, or have the machine's own resolv.conf name them"))
	}
	dead, general := 0, 0
	for _, u := range m.Status.UpstreamStatus {
		wrong := u.State == upstream.Down || u.State == upstream.Looping
		if u.General {
			general++
			if wrong {
				dead++
			}
		}
		if !wrong {
			continue
		}
		fix := "look whether it runs and is reachable, or name another one in upstream.servers"
		if u.State == upstream.Looping {
			fix = "it asks us what we ask it: remove one of the two from the other's upstreams"
		}
		findings = append(findings, warning(fmt.Sprintf("upstream %s is %s: %s", u.Server, u.State, u.Reason),
			"the others are asked instead, if there are any", fix))
	}
	if dead > 0 && dead == general {
		for i := range findings {
			findings[i].Severity = Problem
			findings[i].Impact = "no server for other names is left: only nodes and the hosts file are answered, and what is in the cache"
		}
	}
	for _, r := range m.Status.Verdict.Reasons {
		if r.Code == verdict.OtherSource {
			findings = append(findings, problem(r.Text, "other names could be resolved, by servers that may not know all of them", r.Fix))
		}
	}
	return findings
}

// certified is the name that the certificate must have: a free name is not
// derived from a key, so no certificate can have it.
func certified(m *Input) zone.ID {
	id, err := m.Config.Prefix.Parse(string(m.ID))
	if err != nil {
		return ""
	}
	return id
}
