package config

import (
	"bytes"
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// setting is one value as its source spelled it.
type setting struct {
	name string
	raw  any // as go-toml decodes into any
	at   position
}

// position is where a setting is. The zero value is a flag.
type position struct {
	file  string
	line  int
	items []int // lines of a list's items
}

// lineOf returns the line of one item of a list, or that of the key.
func (p position) lineOf(item int) int {
	if item >= 0 && item < len(p.items) {
		return p.items[item]
	}
	return p.line
}

// readDocument returns the settings of a TOML document in the order of their
// lines. What is not TOML is a Problem.
func readDocument(file string, data []byte) ([]setting, error) {
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		p := Problem{File: file, Text: strings.TrimPrefix(err.Error(), "toml: ")}
		if at := (*toml.DecodeError)(nil); errors.As(err, &at) {
			p.Line, _ = at.Position()
			p.Key = locate(data).names[p.Line]
		}
		return nil, p
	}
	l := locate(data)
	settings := flatten(nil, "", tree)
	for i, s := range settings {
		settings[i].at = position{file: file, line: l.keys[s.name], items: l.items[s.name]}
	}
	slices.SortFunc(settings, func(a, b setting) int {
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), strings.Compare(a.name, b.name))
	})
	return settings, nil
}

// flatten appends the values of a tree of tables. Only the sections that the
// table of keys has are looked into; any other table is itself an unknown
// setting.
func flatten(settings []setting, name string, tree map[string]any) []setting {
	for part, raw := range tree {
		full := join(name, part)
		if inner, ok := raw.(map[string]any); ok && isSection(full) {
			settings = flatten(settings, full, inner)
			continue
		}
		settings = append(settings, setting{name: full, raw: raw})
	}
	return settings
}

// bareKey matches a part of a key that needs no quotes in TOML.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// join appends one part to a dotted name. A part that had to be quoted in the
// document stays so: "a.b" would pass for a key in [a], and a line break in a
// name would split the message about it.
func join(name, part string) string {
	if !bareKey.MatchString(part) {
		part = strconv.Quote(part)
	}
	if name == "" {
		return part
	}
	return name + "." + part
}

// locations are the lines of the keys and list items of a document. Decoding
// into values forgets them, so that the document is walked once more.
type locations struct {
	keys  map[string]int
	items map[string][]int
	names map[int]string // the inverse: what a line is about

	data []byte
	read int // offset up to which lines are counted
	line int // the line there
}

// locate finds the lines of a document, as far as it is TOML.
func locate(data []byte) *locations {
	l := &locations{
		keys: map[string]int{}, items: map[string][]int{}, names: map[int]string{},
		data: data, line: 1,
	}
	var parser unstable.Parser
	parser.Reset(data)
	table := ""
	for parser.NextExpression() {
		switch e := parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = l.key("", e.Key())
		case unstable.KeyValue:
			l.keyValue(table, e)
		}
	}
	return l
}

// keyValue notes the lines of a key, of the items of a list, and of all that
// an inline table has.
func (l *locations) keyValue(table string, n *unstable.Node) {
	name := l.key(table, n.Key())
	value := n.Value()
	children := value.Children()
	switch value.Kind {
	case unstable.InlineTable:
		for children.Next() {
			l.keyValue(name, children.Node())
		}
	case unstable.Array:
		for children.Next() {
			line := l.keys[name]
			if raw := children.Node().Raw; raw.Length > 0 {
				line = l.at(int(raw.Offset))
			}
			l.items[name] = append(l.items[name], line)
		}
	}
}

// key records where each part of a dotted key first appears, and returns its
// full name.
func (l *locations) key(name string, parts unstable.Iterator) string {
	for parts.Next() {
		part := parts.Node()
		name = join(name, string(part.Data))
		line := l.at(int(part.Raw.Offset))
		l.names[line] = name
		if _, seen := l.keys[name]; !seen {
			l.keys[name] = line
		}
	}
	return name
}

// at returns the line of an offset. Offsets ascend, so that it counts on from
// the last one: counting from the start each time would take time that is
// quadratic in the size of the document.
func (l *locations) at(offset int) int {
	if offset > l.read {
		l.line += bytes.Count(l.data[l.read:offset], []byte("\n"))
		l.read = offset
	}
	return l.line
}
