package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// localNode is the name that our daemon has itself, which is not asked for.
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
	changes: func(s *server, c change) error {
		return s.curator.tell("set %s %s state=up", nodeName(c.node), c.addr)
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

// curator is an in-memory curator, by plain text, on the CPU of the load.
type curator struct {
	cmd     *exec.Cmd
	stdin   io.Writer
	answers *bufio.Scanner
}

// startCurator gives the daemon a curator with the same nodes, unless it has
// one, and waits until it is connected.
func startCurator(s *server, _ change) error {
	if s.curator != nil {
		return nil
	}
	c := &curator{cmd: exec.Command(s.bench.shelf.bin("memcurator"),
		"--listen", fmt.Sprintf("127.0.0.1:%d", s.site.port+curatorPort), "--insecure")}
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.bench.pinned(s.bench.settings.load, c.cmd.Start); err != nil {
		return fmt.Errorf("start the curator: %w", err)
	}
	s.curator, c.answers = c, bufio.NewScanner(out)
	if err := c.answer(); err != nil {
		return err
	}
	if err := c.tell("fill %d", s.site.nodes); err != nil {
		return err
	}
	return eventually("nodedns connects to the curator", func() error {
		text, err := output(exec.Command(s.bench.shelf.bin("nodedns"), "status", "--config", s.site.file("nodedns.toml")))
		if err == nil && !strings.Contains(text, "connected") {
			err = errors.New("its status is " + lastLines(text))
		}
		return err
	})
}

// tell has a command carried out.
func (c *curator) tell(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.stdin, format+"\n", args...); err != nil {
		return fmt.Errorf("tell the curator: %w", err)
	}
	return c.answer()
}

func (c *curator) answer() error {
	if !c.answers.Scan() {
		return errors.New("the curator gives no answer")
	}
	if text := c.answers.Text(); !strings.HasPrefix(text, "ok") {
		return errors.New("the curator says " + text)
	}
	return nil
}

// stop ends the curator.
func (c *curator) stop() {
	_ = c.cmd.Process.Kill() // an error means that it has ended
	_ = c.cmd.Wait()         // says that it was killed
}
