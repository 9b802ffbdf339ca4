package decision

import (
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/nodedns/nodedns/zone"
)

// withRoles is a populated zone with roles and a curator.
func withRoles(t *testing.T) *fixture {
	f := populated(t)
	f.source.Set(
		zone.Entry{ID: both, Roles: zone.KubernetesController},
		zone.Entry{ID: onlyFour, Roles: zone.ConsensusMember, CuratorPort: 7835},
		zone.Entry{ID: noAddr, Roles: zone.KubernetesWorker},
	)
	return f
}

func TestGroups(t *testing.T) {
	const domain = ".nodes.example"
	roleOf, services := want{kind: RoleAddresses}, want{kind: CuratorServices}
	decideAll(t, withRoles(t), map[string]row{
		"a role, A":                    {"consensus-member.role" + domain, "A", roleOf},
		"in any letter case":           {"Consensus-Member.ROLE" + domain, "A", roleOf},
		"below the other domain":       {"consensus-member.role.deep" + domain, "A", roleOf},
		"a family that nobody has":     {"consensus-member.role" + domain, "AAAA", nodata("nodes.example.")},
		"both families":                {"kubernetes-controller.role" + domain, "AAAA", roleOf},
		"only nodes without addresses": {"kubernetes-worker.role" + domain, "A", nodata("nodes.example.")},
		"a role, other type":           {"consensus-member.role" + domain, "TXT", nodata("nodes.example.")},
		"a role, ANY":                  {"consensus-member.role" + domain, "ANY", anyHINFO},
		"no role":                      {"king.role" + domain, "A", nxdomain("nodes.example.")},
		"below a role":                 {"x.consensus-member.role" + domain, "A", nxdomain("nodes.example.")},
		"the domain of the roles":      {"role" + domain, "A", nodata("nodes.example.")},
		"the curators":                 {"_curator._tcp" + domain, "SRV", services},
		"the curators, other type":     {"_curator._tcp" + domain, "A", nodata("nodes.example.")},
		"another service":              {"_ldap._tcp" + domain, "SRV", nxdomain("nodes.example.")},
		"the domain of the services":   {"_tcp" + domain, "SRV", nodata("nodes.example.")},
		"the curators as a role":       {"_curator.role" + domain, "SRV", nxdomain("nodes.example.")},
		"another protocol":             {"_curator._udp" + domain, "SRV", nxdomain("nodes.example.")},
		"without a domain":             {"consensus-member.role", "A", forward},
		"TXT of a node":                {both, "TXT", want{kind: Text, node: both}},
		"TXT below the domain":         {both + domain, "TXT", want{kind: Text, node: both}},
		"TXT of a departed node":       {gone, "TXT", want{kind: Text, node: gone, ede: dns.ExtendedErrorCodeStaleAnswer}},
		"TXT of nobody":                {stranger, "TXT", nxdomain(".")},
	})
}

func TestGroupsBeforeTheZoneIsReady(t *testing.T) {
	f := newFixture(t, local)
	f.source.Expect(true)
	decideAll(t, f, map[string]row{
		"a role":                  {"consensus-member.role.nodes.example", "A", notYet},
		"the curators":            {"_curator._tcp.nodes.example", "SRV", notYet},
		"the domain of the roles": {"role.nodes.example", "A", nodata("nodes.example.")},
		"no role":                 {"king.role.nodes.example", "A", nxdomain("nodes.example.")},
	})
}

func TestGroupsOfALostCluster(t *testing.T) {
	f := withRoles(t)
	f.source.SetConnected(false)
	f.clock += zone.LostAfter + time.Second
	decideAll(t, f, map[string]row{
		"a role":       {"consensus-member.role.nodes.example", "A", want{kind: RoleAddresses, ede: dns.ExtendedErrorCodeStaleAnswer}},
		"the curators": {"_curator._tcp.nodes.example", "SRV", want{kind: CuratorServices, ede: dns.ExtendedErrorCodeStaleAnswer}},
	})
}

// A node whose own name is that of the domain of the roles keeps it.
func TestNodeCalledRole(t *testing.T) {
	decideAll(t, newFixture(t, "role"), map[string]row{
		"TXT": {"role.nodes.example", "TXT", want{kind: Text, node: "role"}},
	})
}
