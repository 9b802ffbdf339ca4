package integration

import (
	"fmt"
	"slices"
	"strings"
)

// reply is what dig shows of a DNS message.
type reply struct {
	status    string
	flags     []string
	answer    []record
	authority []record
	errors    []string // extended DNS errors: "3 (Stale Answer): (since …)"
	text      string
}

// record is one line of a section, in dig's spelling.
type record struct {
	name, ttl, typ, data string
}

// dig queries the machine's own resolver, without a retry.
func (m *machine) dig(args ...string) (reply, error) {
	return m.digAt("127.0.0.53", args...)
}

func (m *machine) digAt(server string, args ...string) (reply, error) {
	out, err := m.try("dig", append([]string{"@" + server, "+tries=1", "+timeout=20"}, args...)...)
	if err != nil {
		return reply{text: out}, fmt.Errorf("%w: %s", err, out)
	}
	return parseReply(out), nil
}

// digAll queries it for all of these, which are the arguments of dig, in one
// process: most of what a query costs is the start of dig.
func (m *machine) digAll(queries []string) ([]reply, error) {
	return m.digAllAt("127.0.0.53", queries)
}

func (m *machine) digAllAt(server string, queries []string) ([]reply, error) {
	var lines strings.Builder
	for _, query := range queries {
		fmt.Fprintf(&lines, "@%s +tries=1 +timeout=20 %s\n", server, query)
	}
	m.write("/etc/queries", lines.String())
	out, err := m.try("dig", "-f", "/etc/queries")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	var replies []reply
	for _, text := range strings.Split(out, "\n; <<>> ")[1:] {
		replies = append(replies, parseReply(text))
	}
	if len(replies) != len(queries) {
		return nil, fmt.Errorf("dig has %d replies to %d queries:\n%s", len(replies), len(queries), out)
	}
	return replies, nil
}

// parseReply reads the text by which dig shows the last message that it got.
func parseReply(text string) reply {
	r := reply{text: text}
	var section *[]record
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			section = nil
		case line == ";; ANSWER SECTION:":
			section = &r.answer
		case line == ";; AUTHORITY SECTION:":
			section = &r.authority
		case strings.HasPrefix(line, ";; ->>HEADER<<-"):
			_, after, _ := strings.Cut(line, "status: ")
			r.status, _, _ = strings.Cut(after, ",")
		case strings.HasPrefix(line, ";; flags: "):
			flags, _, _ := strings.Cut(strings.TrimPrefix(line, ";; flags: "), ";")
			r.flags = strings.Fields(flags)
		case strings.HasPrefix(line, "; EDE: "):
			r.errors = append(r.errors, strings.TrimPrefix(line, "; EDE: "))
		case section != nil && !strings.HasPrefix(line, ";"):
			if words := strings.Fields(line); len(words) >= 5 {
				*section = append(*section, record{words[0], words[1], words[3], strings.Join(words[4:], " ")})
			}
		}
	}
	return r
}

// data lists what the answer's records of a type hold, sorted.
func (r reply) data(typ string) []string {
	var all []string
	for _, rec := range r.answer {
		if rec.typ == typ {
			all = append(all, rec.data)
		}
	}
	slices.Sort(all)
	return all
}

// hasError looks for an extended DNS error whose text contains text.
func (r reply) hasError(number int, text string) bool {
	return slices.ContainsFunc(r.errors, func(line string) bool {
		code, _, _ := strings.Cut(line, " ")
		return code == fmt.Sprint(number) && strings.Contains(line, text)
	})
}

// expectStatus fails unless the reply has this code.
func (r reply) expectStatus(status string) error {
	if r.status != status {
		return fmt.Errorf("status is %s, want %s:\n%s", r.status, status, r.text)
	}
	return nil
}
