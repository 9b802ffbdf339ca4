package nsswitch

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// preferred is how resolve is written where no service after it can know more:
// its answer is final, and the search continues only if it is unavailable.
const preferred = "resolve [!UNAVAIL=return]"

// newLine is how the hosts line of a file begins that has none.
const newLine = "hosts:          "

// Edit returns the text with a hosts line by which nodedns is queried.
//
// With resolve set, resolve is placed before files, so that the hosts file is
// only read when no daemon answers. Where the user has further services that
// know names of their own, such as mdns, an answer that there is no such name
// does not end the search, or they would never be queried again. Where none of
// them was before it, the actions that the user gave to resolve stay. Without
// resolve, files and dns are made sure of.
//
// A text that needs no change is returned as it is, and so is one without a
// hosts line if glibc's default will do. The error is a mistake in the file,
// whose meaning is then undefined.
func Edit(text []byte, resolve bool) ([]byte, error) {
	if _, err := Hosts(text); err != nil {
		return nil, err
	}
	target, found := lastHosts(text)
	if !found {
		if !resolve {
			return text, nil
		}
		return appendLine(text, newLine+preferred+" files dns\n"), nil
	}
	value := edited(target.value, resolve)
	if value == target.value && target.terminated {
		return text, nil
	}
	if rest := unread(target.value); rest != "" {
		return nil, fmt.Errorf("line %d (hosts): glibc does not read on at %.40q; correct the line", target.number, rest)
	}
	return splice(text, target, value), nil
}

// Withdraw removes resolve from the hosts line again, for a file that another
// program has changed since Edit, so that its original cannot be put back. What
// else Edit added stays, since it does no harm. A text whose original had
// resolve itself is returned as it is.
func Withdraw(text, original []byte) ([]byte, error) {
	before, err := Hosts(original)
	if err == nil && before.Index(Resolve) >= 0 {
		return text, nil
	}
	if _, err := Hosts(text); err != nil {
		return nil, err
	}
	target, found := lastHosts(text)
	if !found {
		return text, nil
	}
	value, tail := beforeComment(target.value)
	value, had := without(value, Resolve)
	if had == "" {
		return text, nil
	}
	return splice(text, target, value+tail), nil
}

// lastHosts finds the effective line, or what would be it with a line break.
func lastHosts(text []byte) (target raw, found bool) {
	for l := range lines(text) {
		if l.database == "hosts" {
			target, found = l, true
		}
	}
	return target, found
}

// appendLine puts a line behind the last complete one: what follows without a
// line break is ignored, and must stay so.
func appendLine(text []byte, line string) []byte {
	return slices.Insert(slices.Clone(text), bytes.LastIndexByte(text, '\n')+1, []byte(line)...)
}

// splice replaces the value of a line. What glibc needs to read the line is
// added: something between the name and the value, and a line break.
func splice(text []byte, l raw, value string) []byte {
	if l.bare {
		value = ": " + value
	}
	if !l.terminated {
		value += "\n"
	}
	return slices.Concat(text[:l.offset], []byte(value), text[l.offset+len(l.value):])
}

// unread is what follows the last service of a value: brackets that glibc
// ignores, and that would take effect after an inserted service.
func unread(value string) string {
	words, _ := split(value)
	end := 0
	if len(words) > 0 {
		end = words[len(words)-1].end
	}
	return strings.TrimLeft(value[end:], space)
}

// edited is what Edit makes of a value.
func edited(value string, resolve bool) string {
	value, tail := beforeComment(value)
	words, _ := split(value)
	has := func(name string) bool {
		return slices.ContainsFunc(words, func(w word) bool { return w.service.Name == name })
	}
	if !has(Files) {
		value = insertBefore(value, Files, DNS)
	}
	if !has(DNS) {
		value = add(value, DNS)
	}
	if resolve {
		value = withResolve(value)
	}
	if strings.HasPrefix(tail, "#") {
		value += " " // or it would be a part of the last name
	}
	return value + tail
}

// withResolve puts resolve before files, unless it is there.
func withResolve(value string) string {
	words, _ := split(value)
	line := Line{Services: services(words)}
	at := line.Index(Resolve)
	if at >= 0 && at < line.Index(Files) {
		return value
	}
	text := preferred
	if slices.ContainsFunc(line.Services, knowsMore) {
		text = Resolve
	}
	if at >= 0 {
		var had string
		value, had = without(value, Resolve)
		// None of the services that were queried before may be cut off.
		passed := line.Services[max(0, line.Index(Files)):at]
		if len(line.Services[at].Actions) > 0 && !slices.ContainsFunc(passed, knowsMore) {
			text = had
		}
	}
	return insertBefore(value, text, Files)
}

// knowsMore reports whether a service may know names that nodedns does not:
// any but those whose names it knows itself. For myhostname that is the machine's
// own name where it is not the node's, and not in the hosts file.
func knowsMore(s Service) bool {
	return !slices.Contains([]string{Resolve, Files, DNS}, s.Name)
}

// comment matches where the user means a comment to begin. To glibc it is more
// services, but ours must not be put among them.
var comment = regexp.MustCompile(`(^|\s)#`)

func beforeComment(value string) (before, behind string) {
	at := comment.FindStringIndex(value)
	if at == nil {
		return value, ""
	}
	return value[:at[0]], value[at[0]:]
}

// insertBefore puts a word before the first service of a name, or else at the
// end.
func insertBefore(value, text, name string) string {
	words, _ := split(value)
	for _, w := range words {
		if w.service.Name == name {
			return value[:w.start] + text + " " + value[w.start:]
		}
	}
	return add(value, text)
}

// add puts a word after the last service.
func add(value, text string) string {
	words, _ := split(value)
	if len(words) == 0 {
		return text + value
	}
	end := words[len(words)-1].end
	return value[:end] + " " + text + value[end:]
}

// without removes the services of a name, with their actions and the space
// after them, and returns the first of them as it was written.
func without(value, name string) (rest, had string) {
	for {
		words, _ := split(value)
		i := slices.IndexFunc(words, func(w word) bool { return w.service.Name == name })
		if i < 0 {
			return value, had
		}
		start, end := words[i].start, words[i].end
		if had == "" {
			had = value[start:end]
		}
		switch {
		case i+1 < len(words):
			end = words[i+1].start
		case i > 0:
			start = words[i-1].end
		}
		value = value[:start] + value[end:]
	}
}
