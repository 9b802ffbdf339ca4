package doctor

import (
	"fmt"
	"slices"
)

// Check is one subject that is examined.
type Check struct {
	ID    string `json:"id"`
	Title string `json:"title"`

	run func(*Input) []Finding
}

// Checks returns the table of all, in the order in which they are made.
func Checks() []Check {
	return []Check{
		{"configuration", "the configuration or this node's identity is wrong", checkConfiguration},
		{"daemon", "the daemon does not run, or something of it does not work", checkDaemon},
		{"unit", "the service has failed, or is not started at boot", checkUnit},
		{"address", "this node has no address of its own", checkAddress},
		{"port", "another program has the address that the daemon must answer on", checkPort},
		{"systemd-resolved", "systemd-resolved runs too", checkResolved},
		{"nsswitch", "glibc asks another service first, or not at all", checkNSSwitch},
		{"resolv-conf", "resolv.conf names another server, or a daemon that is dead", checkResolvConf},
		{"resolv-conf-writers", "another program writes resolv.conf", checkWriters},
		{"search-list", "a domain of the search list is below local", checkSearchList},
		{"containers", "the resolv.conf of a container names this machine's loopback", checkContainers},
		{"kubelet", "the kubelet gives pods a resolv.conf that names loopback", checkKubelet},
		{"docker", "Docker gives containers a server on loopback", checkDocker},
		{"cloud-init", "cloud-init writes the hosts file or sets the hostname", checkCloudInit},
		{"hosts-lines", "a line of the user's in the hosts file is in the way", checkHostsLines},
		{"host-conf", "glibc takes one address from the hosts file only", checkHostConf},
		{"nscd", "a daemon keeps answers of its own", checkCachers},
		{"files", "a file cannot be written", checkFiles},
		{"machine-id", "machine-id has no ID that systemd can read", checkMachineID},
		{"state-dir", "the state directory is full or cannot be written", checkState},
		{"ipv6", "IPv6 is off, and needed", checkIPv6},
		{"key", "another machine has this node's key", checkConflict},
		{"key-permissions", "other users may read a private key", checkKeys},
		{"clock", "the clock is wrong", checkClock},
		{"credentials", "the credentials for the cluster cannot be used, or expire", checkCredentials},
		{"curator", "the cluster is out of reach, or refuses this node", checkCurator},
		{"control-plane", "a curator was believed without proof, or is ignored", checkControlPlane},
		{"zone", "entries of the cluster are refused, or several nodes claim an address", checkZone},
		{"upstreams", "servers for other names do not answer", checkUpstreams},
		{"receive-drops", "queries are lost in a full buffer", checkDrops},
		{"descriptors", "the daemon may open few files only", checkDescriptors},
	}
}

// unseen is the ID of the finding that lists what could not be examined.
const unseen = "unseen"

// Examine makes all checks, and returns what they find: the worst first, but
// each after what it may follow from.
func Examine(m *Input) []Finding {
	findings := []Finding{}
	for _, check := range Checks() {
		found := check.run(m)
		if len(found) == 0 && check.ID != curatorCheck { // which leaves some to the credentials
			found = reasonsOf(m, check.ID, reported)
		}
		for _, f := range found {
			f.Check = check.ID
			findings = append(findings, f)
		}
	}
	add := func(all []string, fix string) {
		for _, what := range all {
			f := note("could not look at "+what, "it may hide a cause", fix)
			f.Check = unseen
			findings = append(findings, f)
		}
	}
	add(m.forbidden, "run this command as root, and not in a sandbox")
	add(m.unreadable, "put a regular file there")
	return m.sorted(findings)
}

func rank(s Severity) int { return slices.Index([]Severity{Problem, Warning, Note}, s) }

// maxNames is how many names a finding has at most.
const maxNames = 10

// several joins the first names of a list, and counts the others.
func several(names []string) string {
	text := ""
	for i, name := range names[:min(len(names), maxNames)] {
		if i > 0 {
			text += ", "
		}
		text += name
	}
	if more := len(names) - maxNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
