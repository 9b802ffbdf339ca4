package integration

import (
	"time"

	"golang.org/x/sys/unix"
)

// soakKinds are all kinds of faults. Their order is part of what a seed means.
var soakKinds = []*soakKind{
	{name: "restarted", class: "node", begin: (*soak).restartNode},
	{name: "killed", class: "node", begin: (*soak).killNode},
	{name: "frozen", class: "node", begin: (*soak).freezeNode, end: (*soak).thawNode},
	{name: "reloaded", class: "node", begin: (*soak).reloadNode},
	{name: "cut off", class: "node", begin: (*soak).cutNode, end: (*soak).reconnectNode},
	{name: "without its link", class: "node", begin: (*soak).unplugNode, end: (*soak).plugNode},
	{name: "given another address", class: "node", begin: (*soak).moveNode},
	{name: "given another name", class: "node", begin: (*soak).renameNode},
	{name: "removed from the cluster", class: "node", begin: (*soak).expelNode, end: (*soak).admitNode},
	{name: "resolv.conf overwritten", class: "node", begin: (*soak).overwriteResolvConf},
	{name: "hosts file edited", class: "node", begin: (*soak).editHosts},
	{name: "hosts file's block damaged", class: "node", begin: (*soak).damageBlock},
	{name: "file of nodes edited", class: "node", begin: (*soak).editList},
	{name: "file of nodes broken", class: "node", begin: (*soak).breakList, end: (*soak).repairList},
	{name: "file of nodes removed", class: "node", begin: (*soak).removeList, end: (*soak).repairList},
	soakDisk("state directory full", stateFull),
	soakDisk("state directory read-only", stateReadOnly),
	soakDisk("/etc read-only", etcReadOnly),
	{name: "killed", class: "curator", begin: (*soak).killCurator, end: (*soak).reviveCurator},
	{name: "frozen", class: "curator", begin: (*soak).freezeCurator, end: (*soak).thawCurator},
	{name: "cut off", class: "curator", begin: (*soak).cutCurator, end: (*soak).reconnectCurator},
	{name: "drops its streams", class: "curator", begin: (*soak).dropStreams},
	{name: "joins, or leaves", class: "guest", begin: (*soak).joinGuest},
	{name: "given another address", class: "guest", begin: (*soak).moveGuest},
	{name: "given another name", class: "guest", begin: (*soak).renameGuest},
	{name: "cut off", class: "upstream", begin: (*soak).cutUpstream, end: (*soak).reconnectUpstream},
	{name: "slow", class: "upstream", only: flakyUpstream, begin: (*soak).slowUpstream, end: (*soak).healUpstream},
	{name: "sends garbage", class: "upstream", only: flakyUpstream, begin: (*soak).spoilUpstream, end: (*soak).healUpstream},
	{name: "fails", class: "upstream", only: flakyUpstream, begin: (*soak).failUpstream, end: (*soak).healUpstream},
}

func (s *soak) restartNode(i, _ int) {
	n := s.nodes[i]
	n.daemon.signal(unix.SIGTERM)
	if code := n.daemon.exit(); code != 0 {
		s.fail("%s: exit status %d", n.name, code)
	}
	n.launch()
}

func (s *soak) killNode(i, _ int) {
	n := s.nodes[i]
	n.kills.add()
	n.daemon.kill()
	n.launch()
}

func (s *soak) freezeNode(i, _ int) { s.nodes[i].daemon.signal(unix.SIGSTOP) }

func (s *soak) thawNode(i int) {
	n := s.nodes[i]
	n.thawed.Store(int64(time.Since(s.begun)))
	n.daemon.signal(unix.SIGCONT)
}

func (s *soak) reloadNode(i, _ int) { s.nodes[i].daemon.signal(unix.SIGHUP) }

// soakDisk is a fault of a node's disk.
func soakDisk(name string, disk diskFault) *soakKind {
	return &soakKind{
		name: name, class: "node",
		begin: func(s *soak, i, _ int) { s.nodes[i].run("sh", "-ec", disk.begin) },
		end:   func(s *soak, i int) { s.nodes[i].run("sh", "-ec", disk.end) },
	}
}
