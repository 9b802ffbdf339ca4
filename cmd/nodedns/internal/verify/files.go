package verify

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/control"
	"github.com/nodedns/nodedns/resolver/dnsclient"
	"github.com/nodedns/nodedns/resolver/resolvconf"
	"github.com/nodedns/nodedns/zone"
	"github.com/nodedns/nodedns/zone/hostsfile"
)

// delays are the pauses between two looks at the hosts file: it is written some
// time after the zone has changed.
var delays = []time.Duration{
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
}

// checkHosts compares the hosts file until it is equal, or what differs has been
// the same in all looks.
func (v *verification) checkHosts(ctx context.Context, keeper *hostsfile.Keeper) (Check, error) {
	const name = "hosts file"
	if v.Files.Hosts == "" {
		return off(name, "files.hosts is empty"), nil
	}
	path := filepath.Join(v.Files.Root, v.Files.Hosts)
	if err := v.checkManaged(path); err != nil {
		return failed(name, err), nil
	}
	var persistent []hostsfile.Difference
	for look := 0; ; look++ {
		z, err := v.hostsZone(ctx)
		if err != nil {
			return Check{}, err
		}
		found, err := keeper.CompareHosts(z)
		if err != nil {
			return failed(name, err), nil
		}
		if look == 0 {
			persistent = found
		}
		persistent = slices.DeleteFunc(persistent, func(d hostsfile.Difference) bool { return !slices.Contains(found, d) })
		if len(persistent) == 0 || look == len(delays) {
			break
		}
		v.wait(ctx, delays[look])
		if err := ctx.Err(); err != nil {
			return Check{}, err
		}
	}
	var differences []Difference
	for _, d := range persistent {
		differences = append(differences, Difference(d))
	}
	return newCheck(name, path, differences), nil
}

// checkManaged returns an error for a file that the daemon does not keep: it
// runs with another configuration than this command, and the file's content
// proves nothing.
func (v *verification) checkManaged(path string) error {
	if slices.ContainsFunc(v.status.Files, func(f hostsfile.FileStatus) bool { return f.Path == path }) {
		return nil
	}
	return fmt.Errorf("the daemon does not keep %s: restart it, or name its configuration with --config", path)
}

// hostsZone reads the nodes that are in the hosts file.
func (v *verification) hostsZone(ctx context.Context) (hostsfile.Zone, error) {
	status, err := v.Daemon.Status(ctx)
	if err != nil {
		return hostsfile.Zone{}, err
	}
	limit := v.Files.HostsMaxNodes
	z := hostsfile.Zone{Ready: status.Ready}
	nodes, all, err := v.read(ctx, func(i int, n control.Node) bool {
		// Once there are more than that, the others are not in it.
		return limit == 0 || i <= limit || n.Local || isMember(n)
	})
	z.Total = all
	for _, n := range nodes {
		z.Nodes = append(z.Nodes, hostsNode(n))
	}
	return z, err
}

// hostsNode is a node as the hosts file has it.
func hostsNode(n control.Node) hostsfile.Node {
	is := hostsfile.Node{ID: zone.ID(n.ID), Addrs: n.Addresses, Local: n.Local}
	for _, name := range n.FileNames {
		owned := !slices.Contains(n.Contested, name)
		is.Names = append(is.Names, zone.NodeName{Text: name, Origin: zone.NameFromFile, Owned: owned})
	}
	for _, name := range n.Names {
		if !slices.Contains(n.FileNames, name) {
			is.Names = append(is.Names, zone.NodeName{Text: name, Origin: zone.NameFromCluster, Owned: true})
		}
	}
	for _, name := range n.Roles {
		// A role unknown to this version is ignored.
		if role, err := zone.ParseRole(name); err == nil {
			is.Roles |= role
		}
	}
	return is
}

// checkIdentity compares machine-id, hostname and the hostname files.
func (v *verification) checkIdentity(keeper *hostsfile.Keeper) []Check {
	var checks []Check
	if v.Files.MachineID == "" {
		checks = append(checks, off("machine-id", "files.machine_id is empty"))
	}
	if !v.Files.Hostname {
		checks = append(checks, off("hostname", "files.hostname is false"))
	}
	for _, c := range keeper.CompareIdentity() {
		if err := v.checkManaged(c.Path); err != nil {
			checks = append(checks, failed(c.Name, err))
		} else {
			checks = append(checks, checkOf(c))
		}
	}
	return checks
}

func checkOf(c hostsfile.Comparison) Check {
	if c.Err != nil {
		return failed(c.Name, c.Err)
	}
	detail := c.Path
	if c.Remark != "" {
		detail += ", " + c.Remark
	}
	if c.Difference == nil {
		return newCheck(c.Name, detail, nil)
	}
	return newCheck(c.Name, detail, []Difference{Difference(*c.Difference)})
}

// checkResolvConf checks that resolv.conf points at a listener, where it must.
func (v *verification) checkResolvConf() Check {
	const name = "resolv.conf"
	s := v.status.ResolvConf
	if s == nil || s.Mode != resolvconf.ModeStub {
		return off(name, "files.resolv_conf_mode is off")
	}
	contents, stub, err := v.ResolvConf.Read()
	if err != nil {
		return failed(name, err)
	}
	detail := s.Path
	if s.State != resolvconf.StateStub {
		detail += ", " + string(s.State)
	}
	var differences []Difference
	if got := servers(contents); got != v.namedListener() {
		differences = append(differences, Difference{"nameserver", v.namedListener(), got})
	} else if !stub {
		differences = append(differences, Difference{s.Path, "the file that nodedns writes", "another one that names it too"})
	}
	return newCheck(name, detail, differences)
}

// namedListener is the listener that resolv.conf can name: the first one on
// loopback, or else the first.
func (v *verification) namedListener() string {
	nameable := slices.DeleteFunc(slices.Clone(v.status.Listeners), func(l netip.AddrPort) bool { return l.Port() != 53 })
	if own := dnsclient.OwnListeners(nameable); len(own) > 0 {
		return own[0].Addr().String()
	}
	return ""
}

func servers(c resolvconf.Contents) string {
	var all []string
	for _, s := range c.Servers {
		all = append(all, s.Addr().String())
	}
	return strings.Join(all, " ")
}
