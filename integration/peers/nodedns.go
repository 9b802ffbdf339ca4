package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// localNode is the name that our daemon has itself, which is not queried.
const localNode = prefix + "00000000000000000000000000000000"

// Ports beside the one that a server answers on.
const (
	metricsPort = 10_000
	curatorPort = 20_000
)

// nodedns is our daemon, as a whole: metrics on, and a state directory with the
// nodes. It writes no files of the machine.
var nodedns = &peer{
	name: "nodedns",
	what: "**nodedns**",
	obtain: func(s *shelf) error {
		return errors.Join(buildGo(s, "nodedns", "cmd/nodedns"),
			buildGo(s, "memcurator", "watchers/curator/memory/memcurator"))
	},
	caches: true,
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		upstream, curator := "", ""
		if s.nodes == 0 {
			upstream = fmt.Sprintf(`"127.0.0.1:%d"`, s.upstream)
		} else if err := placeSaved(sh, s); err != nil {
			return nil, err
		}
		if s.live {
			curator = fmt.Sprintf(`"127.0.0.1:%d"`, s.port+curatorPort)
		}
		err := s.write("nodedns.toml", fmt.Sprintf(`[identity]
node_id = "%s"
[local]
addresses = ["10.0.0.1"]
[curator]
endpoints = [%s]
insecure = true
credentials = ""
[files]
root = "%s"
hosts = ""
machine_id = ""
hostname = false
resolv_conf = ""
[dns]
listen = ["127.0.0.1:%d"]
[upstream]
servers = [%s]
[state]
dir = "%s"
[control]
socket = "%s"
[metrics]
listen = "127.0.0.1:%d"
[log]
level = "warn"
`, localNode, curator, s.dir, s.port, upstream, s.file("state"), s.file("control.sock"), s.port+metricsPort))
		return exec.Command(sh.bin("nodedns"), "run", "--config", s.file("nodedns.toml")), err
	},
	prepares: startCurator,
	churns:   true,
	changes: func(s *server, c change) error {
		return s.curator.execute("set %s %s state=up", nodeName(c.node), c.addr)
	},
}

// placeSaved puts the nodes where an earlier run would have saved them.
func placeSaved(sh *shelf, s *site) error {
	shared, err := sh.savedNodes(s.nodes)
	if err != nil {
		return err
	}
	if err := os.Mkdir(s.file("state"), 0o755); err != nil {
		return err
	}
	return os.Link(shared, s.file("state/saved-nodes"))
}
