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
// nodes, or a file of them. It writes no files of the machine.
var nodedns = &peer{
	name: "nodedns",
	what: "**nodedns**",
	obtain: func(s *shelf) error {
		return errors.Join(buildGo(s, "nodedns", "cmd/nodedns"),
			buildGo(s, "memcurator", "watchers/curator/memory/memcurator"))
	},
	caches: true,
	start: func(sh *shelf, s *site) (*exec.Cmd, error) {
		upstream, curator, naming := "", "", ""
		var err error
		switch {
		case s.nodes == 0:
			upstream = fmt.Sprintf(`"127.0.0.1:%d"`, s.upstream)
		case s.naming == byFile:
			naming = fmt.Sprintf("[nodes]\nfiles = [\"%s\"]\n", s.file(hostsFormat.name))
			err = s.place(sh, hostsFormat)
		case s.naming == byLabel:
			naming = fmt.Sprintf("[zone]\ndomains = [\"%s\"]\n", localDomain)
			err = placeSaved(sh, s)
		default:
			err = placeSaved(sh, s)
		}
		if err != nil {
			return nil, err
		}
		if s.live {
			curator = fmt.Sprintf(`"127.0.0.1:%d"`, s.port+curatorPort)
		}
		err = s.write("nodedns.toml", fmt.Sprintf(`[identity]
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
%s`, localNode, curator, s.dir, s.port, upstream, s.file("state"), s.file("control.sock"), s.port+metricsPort, naming))
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
	shared, err := sh.savedNodes(s.naming, s.nodes)
	if err != nil {
		return err
	}
	if err := os.Mkdir(s.file("state"), 0o755); err != nil {
		return err
	}
	return os.Link(shared, s.file("state/saved-nodes"))
}
