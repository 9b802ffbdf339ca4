package zone

import "strings"

// Origin is where a readable name comes from.
type Origin uint8

// The origins. A name from a file is the operator's own. One from the cluster is
// what a node calls itself.
const (
	NameFromFile Origin = iota
	NameFromCluster
)

// names are the readable names of a node, in canonical form: those from files,
// divided by spaces, and the one from the cluster after a newline. The first of a
// node with a free ID is that ID.
type names string

const (
	nameBreak   = " "
	originBreak = "\n"
)

func joinNames(file, cluster string) names {
	if cluster == "" {
		return names(file)
	}
	return names(file + originBreak + cluster)
}

// of are the names of one origin, divided by spaces.
func (n names) of(origin Origin) string {
	file, cluster, _ := strings.Cut(string(n), originBreak)
	if origin == NameFromFile {
		return file
	}
	return cluster
}

// each yields the names in order, one that comes from both only as one from files.
// It allocates nothing.
func (n names) each(yield func(name string, origin Origin) bool) {
	file, cluster, _ := strings.Cut(string(n), originBreak)
	known := false
	for name, rest := cutName(file); name != ""; name, rest = cutName(rest) {
		known = known || name == cluster
		if !yield(name, NameFromFile) {
			return
		}
	}
	if cluster != "" && !known {
		yield(cluster, NameFromCluster)
	}
}

func cutName(list string) (name, rest string) {
	if end := strings.IndexByte(list, nameBreak[0]); end >= 0 {
		return list[:end], list[end+1:]
	}
	return list, ""
}

// first is the first name, of whatever origin.
func (n names) first() (first string) {
	for name := range n.each {
		return name
	}
	return ""
}

// origin reports whether a name is one of them, and of which origin. It is of both as
// each has it: from files. The name has no break in it, or its hash would not have led
// here.
func (n names) origin(name []byte) (Origin, bool) {
	for at, end := 0, len(name); end > at && end <= len(n); end = at + len(name) {
		if string(n[at:end]) == string(name) && (end == len(n) || isBreak(n[end])) {
			if at > 0 && n[at-1] == originBreak[0] {
				return NameFromCluster, true
			}
			return NameFromFile, true
		}
		for at < len(n) && !isBreak(n[at]) {
			at++
		}
		at++
	}
	return 0, false
}

// isBreak reports whether an octet is between names.
func isBreak(c byte) bool { return c == nameBreak[0] || c == originBreak[0] }
