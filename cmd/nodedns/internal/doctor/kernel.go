package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/nodedns/nodedns/resolver/listen"
)

// checkIPv6 finds a family that is turned off although it is needed.
func checkIPv6(m *Input) []Finding {
	const fix = "`sysctl net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0`, and in /etc/sysctl.d; or leave IPv6 out of the configuration"
	how := m.noIPv6()
	isSix := func(l netip.AddrPort) bool { return l.Addr().Is6() }
	switch {
	case how == "":
		return nil
	case slices.ContainsFunc(m.Config.Listen, isSix):
		return []Finding{problem(how+", and dns.listen has an IPv6 address", "the listener waits until IPv6 is on", fix)}
	case slices.ContainsFunc(m.Config.Addresses, netip.Addr.Is6):
		return []Finding{warning(how+", and local.addresses has an IPv6 address", "an address is announced that does not work", fix)}
	}
	return nil
}

// noIPv6 returns why IPv6 cannot be used, or "".
func (m *Input) noIPv6() string {
	all, found := m.ReadProc("sys/net/ipv6/conf/all/disable_ipv6")
	lo, _ := m.ReadProc("sys/net/ipv6/conf/lo/disable_ipv6")
	addresses, listed := m.ReadProc("net/if_inet6")
	switch {
	case !found:
		return "the kernel has no IPv6"
	case strings.TrimSpace(all) == "1":
		return "net.ipv6.conf.all.disable_ipv6 is 1"
	case strings.TrimSpace(lo) == "1":
		return "net.ipv6.conf.lo.disable_ipv6 is 1"
	case listed && !strings.HasPrefix(addresses, loopback6) && !strings.Contains(addresses, "\n"+loopback6):
		return "the address ::1 is missing on lo (`ip addr add ::1/128 dev lo`)"
	}
	return ""
}

// loopback6 is ::1 as the kernel lists it.
const loopback6 = "00000000000000000000000000000001 "

// checkDrops finds queries that the kernel dropped.
func checkDrops(m *Input) []Finding {
	if m.Status == nil {
		return nil
	}
	var findings []Finding
	for _, l := range m.listeners() {
		if n := listen.ReceiveDrops(m.Proc, l); n > 0 {
			findings = append(findings, warning(fmt.Sprintf("%d queries to %v were lost in a full buffer", n, l),
				"their senders wait for seconds and ask again",
				"`sysctl net.core.rmem_max=4194304`, in /etc/sysctl.d too, and restart nodedns; look at who asks that much"))
		}
	}
	return findings
}

// checkDescriptors finds a daemon that is short of file descriptors.
func checkDescriptors(m *Input) []Finding {
	const scarce = 1024
	for _, p := range m.find("nodedns") {
		if !slices.Contains(m.Arguments(p), "run") {
			continue
		}
		text, _ := m.ReadProc(p.PID + "/limits")
		for line := range strings.Lines(text) {
			limits, is := strings.CutPrefix(line, "Max open files")
			words := strings.Fields(limits)
			if !is || len(words) == 0 {
				continue
			}
			if n, err := strconv.Atoi(words[0]); err == nil && n < scarce {
				return []Finding{warning(fmt.Sprintf("%v may open %d files", p, n),
					"connections and upstreams beyond that are refused", "set LimitNOFILE=65536 in the unit")}
			}
		}
	}
	return nil
}

// checkClock finds a clock that is wrong: certificates and the age of data
// depend on it.
func checkClock(m *Input) []Finding {
	// No machine has run nodedns before.
	const first = 2025
	const fix = "run a time service, such as systemd-timesyncd or chrony"
	if m.Now.Year() < first {
		return []Finding{problem("it is "+m.Now.UTC().Format("2006-01-02")+" by this machine's clock",
			"certificates count as not valid yet, for upstreams by TLS too", fix)}
	}
	if m.Probes.Synchronized == nil {
		return nil
	}
	if right, err := m.Probes.Synchronized(); err != nil || right {
		return nil
	}
	return []Finding{note("nothing keeps this machine's clock right", "when it is off by days, certificates count as invalid", fix)}
}
