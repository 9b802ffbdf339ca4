package integration

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// getent queries glibc for the addresses of a name, through the sources of
// nsswitch.conf, or only through one of them: "files" or "dns".
func (m *machine) getent(source, name string) ([]netip.Addr, error) {
	args := []string{"ahosts", name}
	if source != "" {
		args = append([]string{"-s", "hosts:" + source}, args...)
	}
	out, err := m.try("getent", args...)
	if err != nil {
		return nil, err
	}
	return ahosts(out)
}

// ahosts are the addresses in what "getent ahosts" prints.
func ahosts(out string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for line := range strings.Lines(out) {
		addr, err := netip.ParseAddr(strings.Fields(line)[0])
		if err != nil {
			return nil, fmt.Errorf("getent ahosts: %w", err)
		}
		// On a machine that has IPv6 only glibc maps the addresses.
		addrs = append(addrs, addr.Unmap())
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs), nil
}

// glibcKnows fails unless glibc finds exactly these addresses.
func (m *machine) glibcKnows(source, name string, want ...netip.Addr) error {
	got, err := m.getent(source, name)
	if err != nil {
		return err
	}
	slices.SortFunc(want, netip.Addr.Compare)
	if !slices.Equal(got, want) {
		return fmt.Errorf("glibc finds %v for %s by %q, want %v", got, name, source, want)
	}
	return nil
}

// hostsFile lists the addresses that lines of /etc/hosts give a name.
func (m *machine) hostsFile(name string) []netip.Addr {
	m.t.Helper()
	return addressesIn(m.read("/etc/hosts"), name)
}

// addressesIn lists the addresses that lines of a hosts file give a name, sorted.
func addressesIn(text, name string) []netip.Addr {
	var addrs []netip.Addr
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.Contains(words[1:], name) {
			continue
		}
		if addr, err := netip.ParseAddr(words[0]); err == nil {
			addrs = append(addrs, addr)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// fileHas fails unless /etc/hosts gives a name exactly these addresses.
func (m *machine) fileHas(name string, want ...netip.Addr) error {
	m.t.Helper()
	slices.SortFunc(want, netip.Addr.Compare)
	if got := m.hostsFile(name); !slices.Equal(got, want) {
		return fmt.Errorf("/etc/hosts has %v for %s, want %v", got, name, want)
	}
	return nil
}

// knows fails unless DNS and /etc/hosts agree on exactly these addresses.
func (m *machine) knows(name string, addrs ...netip.Addr) error {
	m.t.Helper()
	if err := m.resolves(name, addrs...); err != nil {
		return err
	}
	return m.fileHas(name, addrs...)
}
