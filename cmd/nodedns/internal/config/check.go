package config

import (
	"net/netip"
	"slices"

	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/resolver/upstream"
)

// checkTogether checks constraints between several keys. A check whose keys
// have a problem of their own is left out: it would check a default that the
// user did not choose.
func (a *assembly) checkTogether() {
	checks := []struct {
		keys  []string // the first one is at fault
		check func(*Config) []valueError
	}{
		{[]string{"curator.endpoints", "identity.prefix"}, checkEndpoints},
		{[]string{"curator.insecure", "curator.endpoints"}, checkInsecure},
		{[]string{"curator.credentials", "curator.endpoints", "curator.insecure"}, checkCredentials},
		{[]string{"dns.listen"}, checkListeners},
		{[]string{"files.resolv_conf_mode", "files.resolv_conf", "dns.listen"}, checkResolvConf},
		{[]string{"metrics.listen", "dns.listen"}, checkMetrics},
		{[]string{"upstream.servers", "dns.listen", "local.addresses"}, checkServers},
	}
	for _, c := range checks {
		if !slices.ContainsFunc(c.keys, func(name string) bool { return a.faulty[name] }) {
			a.report(c.keys[0], c.check(&a.config))
		}
	}
	a.checkPaths()
}

// checkEndpoints gives node IDs their port, and finds what is no endpoint of a
// cluster whose node IDs have the prefix.
func checkEndpoints(c *Config) []valueError {
	var faults []valueError
	for i, given := range c.Endpoints {
		e, err := given.In(*c.Prefix)
		if err != nil {
			faults = append(faults, unexpected(i, given.String(), err))
			continue
		}
		c.Endpoints[i] = e
	}
	return faults
}

// checkInsecure keeps plain text on this machine.
func checkInsecure(c *Config) []valueError {
	if !c.Insecure {
		return nil
	}
	for _, e := range c.Endpoints {
		if !e.Loopback() {
			return []valueError{unexpected(allOfIt, true, expected(
				"false, as %s is not a loopback endpoint; put the credentials into curator.credentials", e))}
		}
	}
	return nil
}

// checkCredentials requires the place of the credentials to be set.
func checkCredentials(c *Config) []valueError {
	if c.Credentials != "" || c.Insecure || len(c.Endpoints) == 0 {
		return nil
	}
	return []valueError{unexpected(allOfIt, "", expected("a directory, as curator.endpoints are spoken to by TLS"))}
}

// checkListeners finds listeners that could not be bound beside another one.
func checkListeners(c *Config) []valueError {
	var faults []valueError
	for i, l := range c.Listen {
		for j, other := range c.Listen {
			if i != j && covers(other, l) {
				faults = append(faults, unexpected(i, l.String(),
					expected("an address that %s does not include; remove one of the two", other)))
			}
		}
	}
	return faults
}

// checkResolvConf requires the file that has to point at us, and a listener
// that it can name: it can name no port.
func checkResolvConf(c *Config) []valueError {
	onPort53 := func(l netip.AddrPort) bool { return l.Port() == 53 }
	switch {
	case c.ResolvConf.Mode != resolvconf.ModeStub:
		return nil
	case c.ResolvConf.Path == "":
		return []valueError{unexpected(allOfIt, "stub", expected("off, as files.resolv_conf is empty"))}
	case !slices.ContainsFunc(c.Listen, onPort53):
		return []valueError{unexpected(allOfIt, "stub", expected("off, as resolv.conf can only name servers on port 53 and dns.listen has none"))}
	}
	return nil
}

// checkMetrics finds an endpoint on a port that DNS over TCP has taken.
func checkMetrics(c *Config) []valueError {
	m := c.Metrics.Listen
	for _, l := range c.Listen {
		if m.IsValid() && (covers(l, m) || covers(m, l)) {
			return []valueError{unexpected(allOfIt, m.String(), expected("another port than that of dns.listen %s", l))}
		}
	}
	return nil
}

// checkServers finds upstreams that are ourselves: a query would loop.
func checkServers(c *Config) []valueError {
	var faults []valueError
	for i, s := range c.DNS.Upstreams.Servers {
		for _, l := range c.Listen {
			ours := s.Addr.Addr().IsLoopback() || slices.Contains(c.Addresses, s.Addr.Addr())
			if s != upstream.Auto && (l == s.Addr || ours && covers(l, s.Addr)) {
				faults = append(faults, unexpected(i, s.String(),
					expected("another server than ourselves, who listen on %s; remove it", l)))
				break
			}
		}
	}
	return faults
}

// covers reports whether a listener gets what is sent to an address, which it
// does if it is on that address, or on all of that family. Port 0 is a
// different port each time.
func covers(l, addr netip.AddrPort) bool {
	if l.Port() != addr.Port() || l.Port() == 0 {
		return false
	}
	return l == addr || l.Addr().IsUnspecified() && l.Addr().Is4() == addr.Addr().Is4()
}

// checkPaths finds two managed files that are one: each would be overwritten
// with the content of the other.
func (a *assembly) checkPaths() {
	f := a.config.Files
	paths := []struct{ key, path string }{
		{"files.hosts", f.Hosts},
		{"files.machine_id", f.MachineID},
		{"files.hostname_file", f.HostnameFile},
		{"files.resolv_conf", a.config.ResolvConf.Path},
	}
	for i, later := range paths {
		for _, earlier := range paths[:i] {
			if later.path == "" || later.path != earlier.path || a.faulty[later.key] || a.faulty[earlier.key] {
				continue
			}
			// Of the two, one was set: defaults differ. It is at fault.
			wrong, right := later.key, earlier.key
			if _, set := a.origins[wrong]; !set {
				wrong, right = right, wrong
			}
			a.report(wrong, []valueError{unexpected(allOfIt, later.path, expected("another file than that of %s", right))})
		}
	}
}
