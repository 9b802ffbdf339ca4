package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/nodedns/nodedns/zone"
)

// syncTimeout bounds how long the nodes may take.
const syncTimeout = 15 * time.Second

// awaitNodes waits until the daemon answers and has the nodes, so that what is
// printed then works at once. It returns nothing when ctx ends.
func (s *sandbox) awaitNodes(ctx context.Context) (*zone.Snapshot, error) {
	limit, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	select {
	case <-limit.Done():
	case <-s.service.Ready():
	}
	for snapshot := range s.service.Zone().Watch(limit) {
		if err := s.checkFiles(snapshot.Complete()); err != nil || snapshot.Complete() {
			return snapshot, err
		}
	}
	if ctx.Err() != nil {
		return nil, nil
	}
	if s.cluster == nil {
		return nil, fmt.Errorf("%s could not be read within %v", s.file, syncTimeout)
	}
	c := s.service.Status().Curator
	return nil, errors.New(strings.TrimSpace(fmt.Sprintf("the sample cluster's nodes do not arrive: %s %s", c.State, c.Detail)))
}

// checkFiles states what is wrong with the user's files, as far as they were read.
func (s *sandbox) checkFiles(all bool) error {
	files := s.service.Status().NodeFiles
	for _, f := range files {
		if f.Error != "" {
			return fmt.Errorf("%s: %s", f.Path, f.Error)
		}
	}
	if all && s.cluster == nil && len(files) == 0 {
		return fmt.Errorf("%s has no file of nodes: their names end in .hosts or .json", s.file)
	}
	return nil
}

// printInstructions prints what to type, first of all.
func (s *sandbox) printInstructions(start *zone.Snapshot) {
	name, what := moverName, "a node of a sample cluster,\nwhich is "+moverName+"."+sampleDomain+" too."
	if s.cluster == nil {
		name, what = anyName(start), "a node of\n"+s.file+"\nEdit it, and what changes is printed here."
	}
	listener := s.service.Resolver().Addrs()[0]
	fmt.Fprintf(s.out, `%s query --control %s %s
dig @%s -p %d %s

Type these in another terminal: they ask for %s
The hosts file is %s
Instead of "query" and the name, "status" or "nodes" shows more. Ctrl-C ends it.

`, program(), quoted(s.socket), name, listener.Addr(), listener.Port(), name, what, s.hosts)
}

// anyName is the name of some node, another than this machine where there is one.
func anyName(snapshot *zone.Snapshot) string {
	for n := range snapshot.All() {
		if !n.IsLocal() {
			return nameText(n)
		}
	}
	return nameText(snapshot.Local())
}

// nameText is what people call a node.
func nameText(n zone.Node) string {
	if name, ok := n.Name(); ok {
		return name.Text
	}
	return string(n.ID())
}

// program is how this program can be run: by its name where that finds it, else
// by its path, which with "go run" is a temporary one.
func program() string {
	const name = "nodedns"
	self, err := os.Executable()
	if err != nil {
		return name
	}
	if found, err := exec.LookPath(name); err == nil && sameFile(found, self) {
		return name
	}
	return quoted(self)
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// quoted makes a path safe to be copied into a shell.
func quoted(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+", r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// printEvents prints what happens to the zone, until ctx ends.
func (s *sandbox) printEvents(ctx context.Context, last *zone.Snapshot) {
	for snapshot := range s.service.Zone().Watch(ctx) {
		for change := range snapshot.Changes(last) {
			if what := describeChange(change.Before, change.After); what != "" {
				fmt.Fprintf(s.out, "%s  %s %s\n", time.Now().Format(time.TimeOnly), nameText(change.After), what)
			}
		}
		last = snapshot
	}
}

// describeChange returns what happened to a node, or nothing if that is no
// news.
func describeChange(was, is zone.Node) string {
	now, before := addressText(is), addressText(was)
	switch {
	case !is.Exists():
		return ""
	case !was.Exists():
		return "joined with " + now
	case is.Departed() && !was.Departed():
		return "left, and is still answered for a while, marked as departed"
	case was.Departed() && !is.Departed():
		return "is back with " + now
	case nameText(was) != nameText(is):
		return "was called " + nameText(was) + " before"
	case now != before:
		return "moved from " + before + " to " + now
	default:
		return ""
	}
}

func addressText(n zone.Node) string {
	var texts []string
	for addr := range n.Addrs() {
		texts = append(texts, addr.String())
	}
	return orDash(strings.Join(texts, ", "))
}
