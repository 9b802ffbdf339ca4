package doctor

import (
	"cmp"
	"slices"
	"strings"
)

// The rule of the order: a finding comes after those that it may follow from,
// and otherwise the worst come first. What follows from what is stated here,
// once.

// after has, for each check, the checks whose findings may be the cause of its
// own. What depends on whether the daemon answers is in [Input.causes].
var after = map[string][]string{
	"unit":        {"configuration", "port", "ipv6", "state-dir"},
	"resolv-conf": {"port", "ipv6", "systemd-resolved", "resolv-conf-writers"},
	"hosts-lines": {"cloud-init"},
	"files":       {"cloud-init", "state-dir"},
	"machine-id":  {"files"},
	"credentials": {"clock"},
	"curator":     {"address", "clock", "credentials", "key"},
	"zone":        {"curator", "key"},
	"upstreams":   {"address"},
}

const (
	daemonCheck    = "daemon"
	selfResolution = "self-resolution" // in what the daemon reports of its own name
)

// causes are the checks whose findings may be the cause of one. A daemon that
// does not answer is the cause of what it should do; one that does reports what
// others find too, and comes after all of them.
func (m *Input) causes(f *Finding) []string {
	switch {
	case f.Check == daemonCheck && m.Status == nil:
		return []string{"configuration", "port", "ipv6", "state-dir", "unit"}
	case f.Check == daemonCheck && strings.Contains(f.Text, selfResolution):
		return []string{"address", "port", "ipv6", "files"}
	case f.Check == "resolv-conf" && m.Status == nil:
		return []string{daemonCheck}
	}
	return after[f.Check]
}

// sorted sorts findings, and notes of each which others it may follow from.
// What is only good to know is no cause.
func (m *Input) sorted(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		// What the daemon reports has many causes, so it comes last.
		return cmp.Or(cmp.Compare(rank(a.Severity), rank(b.Severity)), cmp.Compare(m.reports(&a), m.reports(&b)))
	})
	sorted := make([]Finding, 0, len(findings))
	placed := make([]bool, len(findings))
	var place func(i int)
	place = func(i int) {
		if placed[i] {
			return
		}
		placed[i] = true
		causes := m.causes(&findings[i])
		for j := range findings {
			if slices.Contains(causes, findings[j].Check) && findings[j].Severity != Note {
				place(j)
				if check := findings[j].Check; !slices.Contains(findings[i].After, check) {
					findings[i].After = append(findings[i].After, check)
				}
			}
		}
		sorted = append(sorted, findings[i])
	}
	for i := range findings {
		place(i)
	}
	return sorted
}

// reports is 1 for what the daemon reports of itself, and 0 for what was found.
func (m *Input) reports(f *Finding) int {
	if f.Check == daemonCheck && m.Status != nil {
		return 1
	}
	return 0
}
