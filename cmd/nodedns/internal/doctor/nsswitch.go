package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/machine"
	"github.com/nodedns/nodedns/cmd/nodedns/internal/nsswitch"
)

// errNoFile means that there is none, or that it may not be read.
var errNoFile = errors.New("there is no " + machine.Nsswitch)

// hostsLine is the services that glibc queries.
func (m *Input) hostsLine() (nsswitch.Line, error) {
	text, found := m.read(machine.Nsswitch)
	if !found {
		return nsswitch.Line{}, errNoFile
	}
	return nsswitch.Hosts([]byte(text))
}

// ours are the services by which nodedns is found.
var ours = []string{nsswitch.Resolve, nsswitch.Files, nsswitch.DNS}

func checkNSSwitch(m *Input) []Finding {
	line, err := m.hostsLine()
	if errors.Is(err, errNoFile) {
		return nil // as with musl, which reads files and resolv.conf by itself
	}
	if err != nil {
		return []Finding{problem(machine.Nsswitch+": "+err.Error(), "no program that uses glibc finds any name", "correct the line")}
	}
	var findings []Finding
	seen := machine.Nsswitch + " has hosts: " + line.String()
	has := func(name string) bool { return line.Index(name) >= 0 }
	switch {
	case !has(nsswitch.DNS) && !has(nsswitch.Resolve):
		findings = append(findings, problem(seen, "nodedns is not asked: there is neither dns nor resolve",
			"`nodedns enable --only nsswitch`, or write `hosts: files dns`"))
	case !has(nsswitch.Files):
		findings = append(findings, warning(seen, "without files no name is found while nodedns does not answer",
			"write `hosts: files dns`, or `hosts: resolve [!UNAVAIL=return] files dns`"))
	}
	if has(nsswitch.Resolve) && m.Config.VarlinkSocket != "" && !m.HasModule(nsswitch.Resolve) {
		findings = append(findings, warning(seen+", and there is no libnss_resolve.so.2",
			"glibc passes over resolve, and reads the whole hosts file at each lookup", "install the package libnss-resolve"))
	}
	if len(line.Ignored) > 0 {
		findings = append(findings, note(fmt.Sprintf("%s has more than one hosts line; line %d counts", machine.Nsswitch, line.Number),
			"changing another one has no effect", "remove the others"))
	}
	return append(findings, m.obstacles(line, seen)...)
}

// obstacles finds services that answer, or end the search, before ours.
func (m *Input) obstacles(line nsswitch.Line, seen string) []Finding {
	var findings []Finding
	reached := false // one of ours was reached
	for i, s := range line.Services {
		last := i == len(line.Services)-1
		ends := !last && s.Then(nsswitch.NotFound) != nsswitch.Continue
		switch {
		case s.Name == "myhostname" && !reached && m.Config.Files.Hostname:
			findings = append(findings, warning(seen,
				"myhostname answers for this machine's own name before the zone is asked, with addresses of its own choice",
				"put myhostname behind files and dns"))
		case s.Name == nsswitch.Files && ends && !slices.ContainsFunc(line.Services[:i], isResolver):
			findings = append(findings, problem(seen, "a name that is not in the hosts file is not asked for any more",
				"remove the action in brackets behind files"))
		case !slices.Contains(ours, s.Name) && ends && !reached && !m.usesLocalHosts(s.Name):
			findings = append(findings, problem(seen, "a name that "+s.Name+" does not know is not asked for any more",
				"put "+s.Name+" behind files and dns, or remove the action in brackets behind it"))
		}
		reached = reached || isResolver(s)
	}
	return findings
}

func isResolver(s nsswitch.Service) bool { return s.Name == nsswitch.DNS || s.Name == nsswitch.Resolve }

// usesLocalHosts reports whether a service ends the search for names only that
// are its own: those of multicast DNS (RFC 6762), unless nodes are answered
// below local.
func (m *Input) usesLocalHosts(service string) bool {
	return strings.HasPrefix(service, "mdns") && !slices.ContainsFunc(m.Config.DNS.Domains, func(domain string) bool {
		return domain == "local" || strings.HasSuffix(domain, ".local")
	})
}
