package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Load reads the file at path, then its drop-ins, and puts the flags' values
// over them; flags may be nil. With an empty path it is the file at
// DefaultPath, which need not exist: it is then empty. What is wrong in the
// configuration is returned as Problems.
func Load(path string, flags *Overrides) (Config, error) {
	documents, err := readAll(named(path))
	if err != nil {
		return Config{}, err
	}
	return parse(documents, flags)
}

// Parse turns the content of a configuration file into a Config and puts the
// flags' values over it; flags may be nil. The file's name is only used in
// messages. What is wrong is returned as Problems, all at once.
func Parse(file string, data []byte, flags *Overrides) (Config, error) {
	return parse([]document{{file, data}}, flags)
}

func parse(documents []document, flags *Overrides) (Config, error) {
	a := assemble(documents, flags)
	a.checkTogether()
	if len(a.problems) > 0 {
		return Config{}, a.problems.sorted(documents)
	}
	return a.config, nil
}

// Understood returns the valid part of a configuration in which Load finds
// something wrong, with the defaults for the rest. It is for work that has to
// be done with what there is. Of a file that is no TOML, what is above the
// first invalid line is used.
func Understood(path string, flags *Overrides) Config {
	documents, _ := readAll(named(path)) // without a file the flags still apply
	for i, d := range documents {
		documents[i] = legible(d)
	}
	a := assemble(documents, flags)
	for _, k := range keys {
		if a.faulty[k.name] {
			k.set(&a.config, k.defaultValue)
		}
	}
	return a.config
}

// maxCuts bounds how often a document is cut: an error is mostly found where it
// is, or at the end of what it left open.
const maxCuts = 8

// legible cuts a document off before the first line that is no TOML.
func legible(d document) document {
	for range maxCuts {
		_, err := readDocument(d.file, d.data)
		p := Problem{}
		if !errors.As(err, &p) {
			return d
		}
		d.data = linesBefore(d.data, p.Line)
	}
	return document{file: d.file}
}

// linesBefore are the lines of a text before one of them, counted from 1.
func linesBefore(data []byte, line int) []byte {
	end := 0
	for range line - 1 {
		length := bytes.IndexByte(data[end:], '\n') + 1
		if length == 0 {
			break
		}
		end += length
	}
	return data[:end]
}

// Origin is where the value of a key comes from.
type Origin struct {
	Key  string
	File string // empty: a flag
	Line int
}

// String spells the place as in "nodedns.toml:12".
func (o Origin) String() string {
	if o.File == "" {
		return "flag --" + o.Key
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// Origins returns where the value of each key that is not left at its default
// comes from, in the order of the table of keys.
func Origins(path string, flags *Overrides) ([]Origin, error) {
	documents, err := readAll(named(path))
	if err != nil {
		return nil, err
	}
	a := assemble(documents, flags)
	origins := []Origin{}
	for _, k := range keys {
		if at, set := a.origins[k.name]; set {
			origins = append(origins, Origin{k.name, at.file, at.line})
		}
	}
	return origins, nil
}

// assemble takes over every setting of the files and the flags. A later one
// replaces an earlier one, lists and tables included.
func assemble(documents []document, flags *Overrides) *assembly {
	a := &assembly{origins: map[string]position{}, faulty: map[string]bool{}}
	for _, k := range keys {
		k.set(&a.config, k.defaultValue)
	}
	for _, d := range documents {
		settings, err := readDocument(d.file, d.data)
		if p := (Problem{}); errors.As(err, &p) {
			a.problems = append(a.problems, p)
		}
		for _, s := range settings {
			a.apply(s)
		}
	}
	for _, s := range flags.settings() {
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
func (a *assembly) report(name string, faults []valueError) {
	at := a.origins[name]
	for _, f := range faults {
		a.faulty[name] = true
		a.problems = append(a.problems, Problem{at.file, at.lineOf(f.item), name, f.text})
	}
}

// unknown returns what was expected in place of a name that is no key.
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
