package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nodedns/nodedns/internal/osfile"
)

// DefaultPath is the configuration file where none is named.
const DefaultPath = "/etc/nodedns/nodedns.toml"

const (
	// maxFile bounds the size of a configuration file, in bytes. It is a hundred
	// times what people write; a larger file is another one, named by mistake.
	maxFile = 1 << 20
	// maxDropIns bounds how many files a drop-in directory may have.
	maxDropIns = 100
)

// DropIns is the directory whose files *.toml are read after the configuration
// file at path, in the order of their names: "nodedns.d" beside "nodedns.toml".
func DropIns(path string) string {
	path, _ = named(path)
	return strings.TrimSuffix(path, suffix) + ".d"
}

// suffix is that of the files in a drop-in directory.
const suffix = ".toml"

// document is one file of a configuration.
type document struct {
	file string
	data []byte
}

// named returns the file that a path stands for, and whether it has to exist.
func named(path string) (file string, required bool) {
	if path == "" {
		return DefaultPath, false
	}
	return path, true
}

// readAll reads a configuration file and its drop-ins. What could be read is
// returned beside the errors.
func readAll(path string, required bool) (documents []document, err error) {
	var failed []error
	data, err := readFile(path)
	switch {
	case err == nil:
		documents = append(documents, document{path, data})
	case !errors.Is(err, fs.ErrNotExist):
		failed = append(failed, fmt.Errorf("read the configuration: %w", err))
	case required:
		failed = append(failed, fmt.Errorf("read the configuration: %w; name an existing file with --config", err))
	}
	names, err := dropIns(DropIns(path))
	if err != nil {
		failed = append(failed, err)
	}
	for _, name := range names {
		data, err := readFile(name)
		if err != nil {
			failed = append(failed, fmt.Errorf("read the configuration: %w", err))
			continue
		}
		documents = append(documents, document{name, data})
	}
	return documents, errors.Join(failed...)
}

// dropIns lists the files of a drop-in directory, which need not exist. A
// hidden one is an editor's.
func dropIns(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	if len(names) > maxDropIns {
		return nil, fmt.Errorf("read the configuration: %s has %d files, expected at most %d; put them together", dir, len(names), maxDropIns)
	}
	return names, nil
}

// readFile reads a file of bounded size, and waits for no other program.
func readFile(path string) ([]byte, error) {
	data, err := osfile.Read(path, maxFile)
	switch {
	case errors.Is(err, osfile.ErrNotRegular):
		err = fmt.Errorf("%w; put a file there, or remove it", err)
	case errors.Is(err, osfile.ErrTooLarge):
		err = fmt.Errorf("%w; name a configuration file", err)
	}
	return data, err
}
