package follow

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"

	"github.com/nodedns/nodedns/internal/osfile"
)

// survey is what must be watched for changes of some files, as it was found.
type survey struct {
	places map[string]place
	// names are those that a notification about the files has at the end of its
	// path. The directory in front of it may be called otherwise there: inotify
	// knows one path of each, and a bind mount gives it two.
	names map[string]bool
	// listed are the paths of the directories that are followed themselves: all
	// that happens in them counts, whatever the name.
	listed map[string]bool
}

// place is a directory or a file at a path.
type place struct {
	identity
	// local means that the kernel notifies of all changes.
	local bool
	// needed means that without a watch of it changes can't be noticed. Others
	// lie on the way, and are watched in case they are replaced.
	needed bool
}

// identity is another one when something else has taken the path, and zero for
// what is missing.
type identity struct{ device, inode uint64 }

// surveyOf looks at the paths of the files: each directory and symlink on the
// way is watched in the directory that it lies in, and the file itself too.
func surveyOf(root string, files []string) survey {
	s := survey{map[string]place{}, map[string]bool{}, map[string]bool{}}
	directories := map[identity]bool{}
	for _, file := range files {
		// As far as it leads: an error ends it at something to be watched.
		p, _ := osfile.Walk(root, file)
		for _, component := range p.Components {
			dir := filepath.Dir(component)
			s.names[filepath.Base(component)], s.names[filepath.Base(dir)] = true, true
			s.add(dir, !isDirectory(component))
		}
		// It may be missing, and most often the directory is enough.
		listed := isDirectory(p.File)
		s.add(p.File, listed)
		if listed {
			directories[s.places[p.File].identity] = true
		}
	}
	for path, p := range s.places {
		if directories[p.identity] { // by whichever of its paths inotify knows it
			s.listed[path] = true
		}
	}
	return s
}

func (s *survey) add(path string, needed bool) {
	known, found := s.places[path]
	if !found {
		known = placeAt(path)
	}
	known.needed = known.needed || needed
	s.places[path] = known
}

func placeAt(path string) (p place) {
	info, err := os.Lstat(path)
	if err != nil {
		return place{local: true} // what is missing is up to the directory above
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		p.identity = identity{uint64(stat.Dev), stat.Ino}
	}
	p.local = isLocal(path)
	return p
}

func isDirectory(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == fs.ModeDir
}

// concerns reports whether a notification about a path is a hint.
func (s *survey) concerns(path string) bool {
	return s.names[filepath.Base(path)] || s.listed[filepath.Dir(path)]
}

func (s survey) equal(other survey) bool {
	return maps.Equal(s.places, other.places) && maps.Equal(s.names, other.names) && maps.Equal(s.listed, other.listed)
}

// local reports whether the kernel notifies of all changes.
func (s survey) local() bool {
	for _, p := range s.places {
		if !p.local {
			return false
		}
	}
	return true
}
