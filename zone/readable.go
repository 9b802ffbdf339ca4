package zone

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// nameError is why a readable name is refused. The entry that it is in counts.
type nameError struct{ error }

func isNameError(err error) bool { return errors.As(err, new(nameError)) }

// readable are the names of an entry that the zone accepts, the free ID included, and
// why it does not accept others: each is refused alone.
func (src *Source) readable(k key, free string, e *Entry) (names, error) {
	s := src.store
	fromFile, fromCluster := e.FileNames, e.Names
	switch {
	case src.files:
		fromFile, fromCluster = e.Names, nil
	case src != s.saved:
		fromFile = nil
	}
	var file, cluster acceptedNames
	file.list = free
	for _, text := range fromFile {
		name, err := s.checkName(k, text)
		file.add(name, err, MaxNames)
	}
	for _, text := range fromCluster {
		name, err := s.checkName(k, text)
		cluster.add(name, err, 1)
	}
	own := cluster.list
	if strings.Contains(own, ".") {
		own, cluster.refused = "", nameError{fmt.Errorf("name %.80q: a name from the cluster has one label", own)}
	}
	return joinNames(file.list, own), cmp.Or(file.refused, cluster.refused)
}

// acceptedNames are the names of one origin in an entry that are accepted, each one
// once and after the free ID, and why the first of the others is not.
type acceptedNames struct {
	list    string // divided by nameBreak
	count   int    // the free ID left out
	refused error
}

func (a *acceptedNames) add(name string, err error, limit int) {
	if err == nil {
		if _, known := names(a.list).origin([]byte(name)); known {
			return
		}
		if a.count == limit {
			err = fmt.Errorf("name %.80q: a node has at most %d", name, limit)
		}
	}
	switch {
	case err != nil && a.refused == nil:
		a.refused = nameError{err}
	case err != nil:
	case a.list == "":
		a.list, a.count = name, 1
	default:
		a.list, a.count = a.list+nameBreak+name, a.count+1
	}
}

// checkName returns the canonical form of a name that a node may have.
func (s *Store) checkName(k key, text string) (string, error) {
	name, err := s.draft.prefix.ParseName(text)
	if err == nil && name == string(s.draft.local.id) && !s.draft.isLocal(k) {
		return "", fmt.Errorf("name %.80q: it is this machine's ID", text)
	}
	return name, err
}

// hintTo is the hint to the names of a record.
func (s *Store) hintTo(has names) uint16 {
	first := has.first()
	if first == "" {
		return 0
	}
	return hint(s.draft.hash(first))
}

// rememberNames keeps which node has which name, for the time of a backlog: within
// one no node is the first to claim a name.
func (s *Store) rememberNames() {
	if s.namesBefore == nil {
		before := s.draft.names
		s.namesBefore = &before
	}
}

// endReport ends what rememberNames began, once no backlog is being reported.
func (src *Source) endReport() {
	s := src.store
	src.reporting = false
	if !slices.ContainsFunc(s.sources, func(src *Source) bool { return src.reporting }) {
		s.namesBefore = nil
	}
}
