package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
	"github.com/nodedns/nodedns/internal/hostsformat"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// checkHostsLines finds lines of the user's about nodes: they come first for
// programs that read the file from the top.
func checkHostsLines(m *Input) []Finding {
	if m.Config.Files.Hosts == "" || m.Config.Files.HostsMode == hostsfile.HostsOwn {
		return nil
	}
	text, found := m.read(m.Config.Files.Hosts)
	if !found {
		return nil
	}
	path := m.Config.Rooted(m.Config.Files.Hosts)
	var findings []Finding
	var others []string
	noIPv6, own := m.noIPv6(), m.ownNames([]byte(text))
	for entry := range hostsformat.Users([]byte(text)) {
		if entry.Addr == netip.IPv6Loopback() && entry.HasName([]byte("localhost")) && noIPv6 != "" {
			findings = append(findings, note(fmt.Sprintf("%s: line %d, ::1 localhost, but %s", path, entry.Line, noIPv6),
				"programs that take that address for localhost can neither listen on it nor reach it", "comment the line out while IPv6 is off"))
		}
		for word := range entry.Names() {
			name := string(word)
			where := fmt.Sprintf("line %d, %s %s", entry.Line, entry.Addr, name)
			switch {
			case !slices.Contains(own, strings.ToLower(name)):
				if _, err := m.Config.Prefix.Parse(name); err == nil {
					others = append(others, where)
				}
			case entry.Addr.IsLoopback():
				findings = append(findings, warning(path+": "+where,
					"this machine's own name leads to loopback: other machines cannot use the address that it announces, or listens on by its name",
					"remove the name from that line, as Debian's installer writes it; nodedns writes the right one"))
			default:
				findings = append(findings, warning(path+": "+where,
					"the line stands beside that of nodedns, and stays when the address changes", "remove the line"))
			}
		}
	}
	if len(others) > 0 {
		findings = append(findings, warning(fmt.Sprintf("%s has nodes in lines that nodedns did not write: %s", path, several(others)),
			"they stay when the node moves, and come before those of nodedns", "remove the lines"))
	}
	if m.Status != nil && m.Status.HostsLines.Ignored > 0 {
		findings = append(findings, note(fmt.Sprintf("%d lines or names of %s do not count in the DNS: %s",
			m.Status.HostsLines.Ignored, path, several(m.Status.HostsLines.Problems)),
			"programs that ask over DNS do not find them", "correct or remove them"))
	}
	return findings
}

// ownNames are this machine's, in lower case: its ID, and those that the lines of
// nodedns have with it.
func (m *Input) ownNames(hosts []byte) []string {
	if m.ID == "" {
		return nil
	}
	names := []string{string(m.ID)}
	for s := range hostsformat.Sections(hosts) {
		if !s.IsBlock() {
			continue
		}
		for entry := range hostsformat.Entries(s.TextLine(), s.Text) {
			if !entry.HasName([]byte(m.ID)) {
				continue
			}
			for name := range entry.Names() {
				names = append(names, string(name))
			}
		}
	}
	return names
}

// checkHostConf finds out whether glibc takes all lines of a name.
func checkHostConf(m *Input) []Finding {
	const path = "/etc/host.conf"
	line, err := m.hostsLine()
	if err != nil || m.Status == nil || len(m.Status.Addresses) < 2 || line.Index(nsswitch.Files) < 0 {
		return nil
	}
	if text, _ := m.read(path); machine.MultiEnabled(text) {
		return nil
	}
	return []Finding{warning(path+" has no line `multi on`",
		"of a name with several lines in the hosts file glibc takes the first one: of a node with two addresses one is found",
		"write `multi on` there")}
}

// checkCachers finds programs between ours and glibc that cache.
func checkCachers(m *Input) []Finding {
	running := m.find("nscd", "unscd")
	if len(running) == 0 || m.nscdIsOff() {
		return nil
	}
	return []Finding{warning(running[0].String()+" runs",
		"it keeps addresses, and that a name does not exist, for as long as it likes: a node that moved is not found",
		"write `enable-cache hosts no` in /etc/nscd.conf, and restart it")}
}

func (m *Input) nscdIsOff() bool {
	const path = "/etc/nscd.conf"
	if !m.Exists(path) {
		return false
	}
	off := false
	text, _ := m.read(path)
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "enable-cache" && words[1] == "hosts" {
			off = words[2] == "no"
		}
	}
	return off
}
