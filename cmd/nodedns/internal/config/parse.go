package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// DefaultPath is the configuration file where none is named.
const DefaultPath = "/etc/nodedns/nodedns.toml"

// maxFile bounds the size of the configuration file, in bytes. It is a hundred
// times what people write; a larger file is another one, named by mistake.
const maxFile = 1 << 20

// Load reads the file at path and puts the flags' values over it; flags may
// be nil. With an empty path it reads DefaultPath, which need not exist: then
// the file says nothing. What is wrong in the configuration is returned as
// Problems.
func Load(path string, flags *Overrides) (Config, error) {
	if path == "" {
		return load(DefaultPath, false, flags)
	}
	return load(path, true, flags)
}

// load reads a file that has to exist, or need not.
func load(path string, required bool, flags *Overrides) (Config, error) {
	data, err := readFile(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case missing && required:
		return Config{}, fmt.Errorf("read the configuration: %w; name an existing file with --config", err)
	case err != nil && !missing:
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(path, data, flags)
}

// readFile reads a file of bounded size.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes; name a configuration file", path, maxFile)
	}
	return data, nil
}

// Parse turns the content of a configuration file into a Config and puts the
// flags' values over it; flags may be nil. The file's name is only used in
// messages. What is wrong is returned as Problems, all at once.
func Parse(file string, data []byte, flags *Overrides) (Config, error) {
	a := assemble(file, data, flags)
	a.checkTogether()
	if len(a.problems) > 0 {
		return Config{}, a.problems.sorted()
	}
	return a.config, nil
}

// Understood is what is right of a configuration in which Load finds something
// wrong, with the defaults for the rest. It is for work that has to be done
// with what there is.
func Understood(path string, flags *Overrides) Config {
	if path == "" {
		path = DefaultPath
	}
	data, err := readFile(path)
	if err != nil {
		data = nil // the flags count all the same
	}
	a := assemble(path, data, flags)
	for _, k := range keys {
		if a.faulty[k.name] {
			k.set(&a.config, k.fallback)
		}
	}
	return a.config
}

// assemble takes over every setting of a file and the flags.
func assemble(file string, data []byte, flags *Overrides) *assembly {
	a := &assembly{origins: map[string]position{}, faulty: map[string]bool{}}
	for _, k := range keys {
		k.set(&a.config, k.fallback)
	}
	settings, err := readDocument(file, data)
	if p := (Problem{}); errors.As(err, &p) {
		a.problems = append(a.problems, p)
	}
	for _, s := range slices.Concat(settings, flags.settings()) {
		a.apply(s)
	}
	return a
}

// assembly is a Config in the making.
type assembly struct {
	config   Config
	origins  map[string]position // of the keys that are not at their default
	faulty   map[string]bool     // keys with a problem of their own
	problems Problems
}

// apply takes over one setting of the file or the flags.
func (a *assembly) apply(s setting) {
	k, ok := lookup(s.name)
	if !ok {
		a.problems = append(a.problems, Problem{s.at.file, s.at.line, s.name, unknown(s)})
		return
	}
	a.origins[s.name] = s.at
	a.report(k.name, k.set(&a.config, s.raw))
}

// report adds the place to what is wrong with the value of a key.
func (a *assembly) report(name string, faults []fault) {
	at := a.origins[name]
	for _, f := range faults {
		a.faulty[name] = true
		a.problems = append(a.problems, Problem{at.file, at.lineOf(f.item), name, f.text})
	}
}

// unknown says what was expected in the place of a name that is no key.
func unknown(s setting) string {
	section, _, _ := strings.Cut(s.name, ".")
	switch known := keysOf(section); {
	case s.name == section && isSection(section):
		return fmt.Sprintf("got %s, expected a section [%s]", describe(s.raw), section)
	case len(known) > 0:
		return "unknown key, expected one of " + strings.Join(known, ", ")
	default:
		return "unknown section, expected one of " + strings.Join(sections(), ", ")
	}
}
