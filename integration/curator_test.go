package integration

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// curator is a memcurator process and its place. The cluster that it serves is
// in a directory, so it can be killed and started again. It is a node of its
// cluster, as any curator is.
type curator struct {
	*host
	id        string // of its node
	authority string // the directory with the cluster's CA
	port      int
	flags     []string // further ones

	cmd     *exec.Cmd
	console io.WriteCloser
	answers *bufio.Scanner
}

// startCurator starts a curator for the cluster in that directory.
func startCurator(h *host, authority string, port int) *curator {
	h.t.Helper()
	c := &curator{host: h, id: h.identify(), authority: authority, port: port, flags: []string{"--key", h.path(keyFile)}}
	c.launch()
	h.t.Cleanup(c.kill)
	return c
}

// endpoint is the curator's address.
func (c *curator) endpoint() string { return fmt.Sprintf("%s:%d", c.v4(), c.port) }

// launch starts the process, whose directory of nodes has the curator itself.
func (c *curator) launch() {
	c.t.Helper()
	c.cmd = exec.Command(filepath.Join(binaries, "memcurator"), append([]string{"--listen", c.endpoint(), "--dir", c.authority}, c.flags...)...)
	var log logbook
	c.cmd.Stderr = &log
	stdin, err := c.cmd.StdinPipe()
	must(c.t, err)
	stdout, err := c.cmd.StdoutPipe()
	must(c.t, err)
	must(c.t, c.start(c.cmd))
	c.console, c.answers = stdin, bufio.NewScanner(stdout)
	if !c.answers.Scan() || !strings.HasPrefix(c.answers.Text(), "ok listening") {
		c.t.Fatalf("memcurator does not listen: %q %s", c.answers.Text(), &log)
	}
}

// kill ends the process with SIGKILL, if there is one.
func (c *curator) kill() {
	if c.cmd == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // reports that it was killed
	c.cmd = nil
}

// tell has a command executed and returns the answer, without its "ok".
func (c *curator) tell(format string, args ...any) string {
	c.t.Helper()
	command := fmt.Sprintf(format, args...)
	_, err := fmt.Fprintln(c.console, command)
	must(c.t, err)
	if !c.answers.Scan() {
		c.t.Fatalf("memcurator: %s: no answer: %v", command, c.answers.Err())
	}
	answer, ok := strings.CutPrefix(c.answers.Text(), "ok")
	if !ok {
		c.t.Fatalf("memcurator: %s: %s", command, c.answers.Text())
	}
	return strings.TrimSpace(answer)
}
