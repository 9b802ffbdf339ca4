package config

import (
	"slices"
	"strings"
)

// key is one row of the table of keys.
type key struct {
	name         string // "section.key"
	defaultValue any    // the default, as decoding a file would give it
	help         string // one line; the name of the value in back quotes
	needsRestart bool   // a change takes one
	// words are all values there are, where these are a few words.
	words []string

	// set stores a value, or returns what is wrong with it.
	set func(c *Config, raw any) []valueError
	// copy takes the value of another configuration.
	copy func(to, from *Config)
	// same reports whether two configurations agree in this key.
	same func(a, b *Config) bool
}

// section is the table of the file in which the key is.
func (k key) section() string {
	section, _, _ := strings.Cut(k.name, ".")
	return section
}

// restartRequired marks a key whose change takes a restart.
func (k key) restartRequired() key {
	k.needsRestart = true
	return k
}

// inverted stores the opposite of what the configuration has, for a field whose
// zero value has to be the usual one.
func (k key) inverted() key {
	set := k.set
	k.set = func(c *Config, raw any) []valueError {
		if v, ok := raw.(bool); ok {
			raw = !v
		}
		return set(c, raw)
	}
	return k
}

// oneOf notes all values there are.
func (k key) oneOf(words ...string) key {
	k.words = words
	return k
}

// isTables reports whether the key is made of tables, which no argument of a
// flag can spell; it has neither a flag nor a help for one.
func (k key) isTables() bool { return k.help == "" }

// stringKey makes a key whose value is a string, understood by parse.
func stringKey[T comparable](name, defaultValue, help string, field func(*Config) *T, parse func(string) (T, error)) key {
	return key{
		name: name, defaultValue: defaultValue, help: help,
		set: func(c *Config, raw any) []valueError {
			v, err := parseItem(raw, parse)
			if err != nil {
				return []valueError{unexpected(allOfIt, raw, err)}
			}
			*field(c) = v
			return nil
		},
		copy: func(to, from *Config) { *field(to) = *field(from) },
		same: func(a, b *Config) bool { return *field(a) == *field(b) },
	}
}

// enumKey makes a key whose value is one of a few words.
func enumKey[T ~string](name string, defaultValue T, help string, field func(*Config) *T, words ...T) key {
	spelled := make([]string, len(words))
	for i, word := range words {
		spelled[i] = string(word)
	}
	return stringKey(name, string(defaultValue), help, field, oneOf(words...)).oneOf(spelled...)
}

// listKey makes a key whose value is a list of strings, each understood by parse.
func listKey[T comparable](name string, defaultValue []any, help string, field func(*Config) *[]T, parse func(string) (T, error)) key {
	return key{
		name: name, defaultValue: defaultValue, help: help,
		set: func(c *Config, raw any) []valueError {
			items, faults := parseList(raw, parse)
			if faults == nil {
				*field(c) = items
			}
			return faults
		},
		copy: func(to, from *Config) { *field(to) = *field(from) },
		same: func(a, b *Config) bool { return slices.Equal(*field(a), *field(b)) },
	}
}

// parseList understands each item of a list. An item given twice is refused,
// whatever its spelling: one of the two was meant to be something else.
func parseList[T comparable](raw any, parse func(string) (T, error)) ([]T, []valueError) {
	values, ok := raw.([]any)
	if !ok {
		return nil, []valueError{unexpected(allOfIt, raw, expected(`a list of strings; write ["…"]`))}
	}
	var faults []valueError
	items := make([]T, 0, len(values))
	seen := make(map[T]bool, len(values))
	for i, value := range values {
		item, err := parseItem(value, parse)
		if err == nil && seen[item] {
			err = expected("each item once; remove one of the two")
		}
		if err != nil {
			faults = append(faults, unexpected(i, value, err))
			continue
		}
		seen[item] = true
		items = append(items, item)
	}
	return items, faults
}

// parseItem applies parse to a string. What parse expects of an empty string
// serves as the message for a value that is no string at all.
func parseItem[T any](raw any, parse func(string) (T, error)) (T, error) {
	s, ok := raw.(string)
	if ok {
		return parse(s)
	}
	var zero T
	if _, err := parse(""); err != nil {
		return zero, err
	}
	return zero, expected("a string in quotes")
}

// boolKey makes a key that is true or false.
func boolKey(name string, defaultValue bool, help string, field func(*Config) *bool) key {
	return key{
		name: name, defaultValue: defaultValue, help: help, words: []string{"true", "false"},
		set: func(c *Config, raw any) []valueError {
			v, ok := raw.(bool)
			if !ok {
				return []valueError{unexpected(allOfIt, raw, expected("true or false, without quotes"))}
			}
			*field(c) = v
			return nil
		},
		copy: func(to, from *Config) { *field(to) = *field(from) },
		same: func(a, b *Config) bool { return *field(a) == *field(b) },
	}
}

// countKey makes a key that is a whole number of things, up to limit.
func countKey(name string, defaultValue, limit int64, help string, field func(*Config) *int) key {
	return key{
		name: name, defaultValue: defaultValue, help: help,
		set: func(c *Config, raw any) []valueError {
			v, ok := raw.(int64)
			if !ok || v < 0 || v > limit {
				return []valueError{unexpected(allOfIt, raw, expected("a whole number from 0 to %d", limit))}
			}
			*field(c) = int(v)
			return nil
		},
		copy: func(to, from *Config) { *field(to) = *field(from) },
		same: func(a, b *Config) bool { return *field(a) == *field(b) },
	}
}

// lookup finds a key by its name.
func lookup(name string) (key, bool) {
	i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return keys[i], true
}

// isSection reports whether there are keys in a section of that name.
func isSection(name string) bool {
	return slices.ContainsFunc(keys, func(k key) bool { return k.section() == name })
}

// keysOf lists the keys of a section, in the order of the table.
func keysOf(section string) []string {
	var names []string
	for _, k := range keys {
		if k.section() == section {
			names = append(names, k.name)
		}
	}
	return names
}

// sections lists the sections, in the order of the table.
func sections() []string {
	var names []string
	for _, k := range keys {
		if !slices.Contains(names, k.section()) {
			names = append(names, k.section())
		}
	}
	return names
}
