package resolvconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/nodedns/nodedns/internal/managed"
	"github.com/nodedns/nodedns/internal/osfile"
)

// Where other programs list the machine's servers, in their order.
const (
	resolvedPath       = "/run/systemd/resolve/resolv.conf"
	networkManagerPath = "/run/NetworkManager/no-stub-resolv.conf"
)

// Location is where the machine's servers are listed.
type Location struct {
	// Root is a directory that stands for / in all paths, and in the symlinks
	// on them. An empty one is "/".
	Root string
	// Path of the machine's resolv.conf, absolute.
	Path string
	// BackupDir is the directory in which a Keeper keeps the original of Path.
	// Empty: there is none.
	BackupDir string
}

// numSources is how many there are.
const numSources = 3

// source is what one source lists. One that is not there or is ours lists
// nothing, and has an empty from.
type source struct {
	Contents
	from string // for people; a path usually
}

func (t source) equal(other source) bool {
	return t.from == other.from && t.Contents.equal(other.Contents)
}

// isBlank also holds for a file that is empty or has only comments.
func (c Contents) isBlank() bool { return c.equal(Contents{}) }

// readSources reads all sources, in their order. An error is about one that cannot
// be read; the others count.
func (p Location) readSources() (found [numSources]source, err error) {
	var failed [numSources]error
	text, err := read(p.Root, p.Path)
	if err == nil && isOurs(text) {
		found[0], failed[0] = p.readOriginal(text)
	} else {
		found[0], failed[0] = p.parseSource(p.Path, p.leaveUsOut(text), err)
	}
	for i, path := range []string{resolvedPath, networkManagerPath} {
		text, err := read(p.Root, path)
		found[1+i], failed[1+i] = p.parseSource(path, text, err)
	}
	return found, errors.Join(failed[:]...)
}

// parseSource returns what a file lists that was read with this result.
func (p Location) parseSource(path, text string, err error) (source, error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return source{}, nil
	case err != nil:
		return source{}, fmt.Errorf("read the machine's servers: %w", err)
	case isOurs(text):
		return source{}, nil
	}
	return source{Parse(text), osfile.Below(p.Root, path)}, nil
}

// readOriginal returns what the original of a file of ours lists. A symlink is
// followed to its present target: the program that made that file still writes
// it. Only if that is gone, the text from the time of the backup counts.
func (p Location) readOriginal(ours string) (source, error) {
	s, found, err := p.originals()
	if err != nil || !found {
		return source{}, err
	}
	if isStub(ours) { // put back by another program, it may not have been recorded yet
		s.putBack(numberOf(ours))
	}
	return p.parseOriginal(s.inForce().Backup, " as it was before")
}

// parseOriginal returns what an original lists.
func (p Location) parseOriginal(o managed.Backup, when string) (source, error) {
	if !o.Existed {
		return source{}, nil
	}
	if target := p.target(o); target != "" {
		text, err := read(p.Root, target)
		if t, err := p.parseSource(target, text, err); t.from != "" || err != nil {
			return t, err
		}
	}
	if isOurs(string(o.Content)) {
		return source{}, nil
	}
	return source{Parse(string(o.Content)), osfile.Below(p.Root, p.Path) + when}, nil
}

// readEarlier returns what the originals list that are not in force, the newest
// first.
func (p Location) readEarlier() (earlier []source) {
	s, _, err := p.originals()
	if err != nil || len(s.All) == 0 {
		return nil
	}
	for _, o := range slices.Backward(s.All[:len(s.All)-1]) {
		if t, err := p.parseOriginal(o.Backup, " as it was earlier"); err == nil && t.from != "" {
			earlier = append(earlier, t)
		}
	}
	return earlier
}

// leaveUsOut returns what counts of another program's text.
func (p Location) leaveUsOut(text string) string {
	if s, found, err := p.originals(); err == nil && found {
		s.write(original{Backup: managed.Backup{Existed: true, Content: []byte(text)}})
		return string(s.inForce().Content)
	}
	return text
}

// originals are what was at Path before us.
func (p Location) originals() (s originals, found bool, err error) {
	if p.BackupDir == "" {
		return s, false, nil
	}
	return load(managed.Backups{State: p.BackupDir}, osfile.Below(p.Root, p.Path))
}

// target is the path below Root that a kept symlink leads to, or "".
func (p Location) target(o managed.Backup) string {
	if o.Link == "" || filepath.IsAbs(o.Link) {
		return o.Link
	}
	// Not cleaned: what ".." means is up to the symlinks before it.
	return filepath.Dir(p.Path) + "/" + o.Link
}

// files returns the paths to watch: what one of them lists may be listed by
// another one later.
func (p Location) files() []string {
	files := []string{p.Path, resolvedPath, networkManagerPath}
	if s, found, err := p.originals(); err == nil && found && s.inForce().Link != "" {
		files = append(files, p.target(s.inForce().Backup))
	}
	return files
}
