package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Overrides are the keys' values from a command line. They are only collected
// when the flags are parsed, and understood by Parse together with the file,
// at the start and at each reload.
type Overrides struct {
	values []*flagValue // in the order of the table of keys
}

// RegisterFlags adds a flag --section.key for each key, and returns where
// their values are found after parsing. Lists are given separated by commas,
// by repeating the flag, or empty.
func RegisterFlags(flags *pflag.FlagSet) *Overrides {
	o := new(Overrides)
	for _, k := range keys {
		if k.isTables() {
			continue
		}
		v := &flagValue{key: k, raw: k.defaultValue}
		o.values = append(o.values, v)
		f := flags.VarPF(v, k.name, "", k.help)
		if _, ok := k.defaultValue.(bool); ok {
			f.NoOptDefVal = "true"
		}
	}
	return o
}

// Choices are all values that the flag of a key can have, where these are a few
// words, and nil where they are not.
func Choices(flag string) []string {
	k, _ := lookup(flag)
	return slices.Clone(k.words)
}

// settings returns the values of the flags that were given.
func (o *Overrides) settings() []setting {
	if o == nil {
		return nil
	}
	var settings []setting
	for _, v := range o.values {
		if v.given {
			settings = append(settings, setting{name: v.key.name, raw: v.raw})
		}
	}
	return settings
}

// flagValue is the value of one flag, in the form that a file would give it.
type flagValue struct {
	key   key
	raw   any
	given bool
}

// Set notes a value. It refuses nothing, so that all problems come out
// together: what is not of the right kind stays a string, and is found wrong
// where the file's values are.
func (v *flagValue) Set(s string) error {
	v.raw = v.parsed(s)
	v.given = true
	return nil
}

// parsed turns an argument into what a file would give.
func (v *flagValue) parsed(s string) any {
	switch v.key.defaultValue.(type) {
	case bool:
		if b, err := strconv.ParseBool(s); err == nil {
			return b
		}
	case int64:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case []any:
		items := []any{}
		if v.given {
			items, _ = v.raw.([]any)
		}
		for item := range strings.SplitSeq(s, ",") {
			// An empty argument is an empty list, not a list of "".
			if item = strings.TrimSpace(item); item != "" || s != "" {
				items = append(items, item)
			}
		}
		return items
	}
	return s
}

// String spells the value as an argument; the help shows the default by it.
func (v *flagValue) String() string {
	items, ok := v.raw.([]any)
	if !ok {
		return fmt.Sprint(v.raw)
	}
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = fmt.Sprint(item)
	}
	return strings.Join(words, ",")
}

// Type names the kind of the value for the help and for completion.
func (v *flagValue) Type() string {
	switch v.key.defaultValue.(type) {
	case bool:
		return "bool"
	case int64:
		return "int"
	case []any:
		return "strings"
	default:
		return "string"
	}
}
