package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

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
	return c.introduce(s)
}

// introduce fills the curator while the daemon is kept away, so that it gets
// one backlog, as from a curator that has been there before, and no million
// changes.
func (c *curator) introduce(s *server) error {
	if err := errors.Join(c.execute("follower on"), c.execute("drop")); err != nil {
		return err
	}
	err := eventually("nodedns is kept away", func() error {
		if connected(s) == nil {
			return errors.New("it is connected")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := errors.Join(c.execute("set %s -", localNode), c.execute("fill %d", s.site.nodes), c.execute("follower off")); err != nil {
		return err
	}
	return eventually("nodedns has what the curator knows", func() error { return connected(s) })
}

// connected fails unless the daemon has all of the curator's nodes and follows
// their changes.
func connected(s *server) error {
	text, err := output(exec.Command(s.bench.shelf.bin("nodedns"), "status", "--json", "--config", s.site.file("nodedns.toml")))
	if err != nil {
		return err
	}
	var status struct {
		Curator struct {
			State string `json:"state"`
		} `json:"curator"`
	}
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		return fmt.Errorf("read the daemon's status: %w", err)
	}
	if status.Curator.State != "connected" {
		return fmt.Errorf("its curator is %s", status.Curator.State)
	}
	return nil
}

// execute has a command executed.
func (c *curator) execute(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.stdin, format+"\n", args...); err != nil {
		return fmt.Errorf("command the curator: %w", err)
	}
	return c.answer()
}

// churn has nodes changed for some seconds from now on. What it returns waits
// for the end, and returns the changes per second.
func (c *curator) churn(rate int, seconds float64) (achieved func() (float64, error), err error) {
	if _, err := fmt.Fprintf(c.stdin, "churn %d %g\n", rate, seconds); err != nil {
		return nil, fmt.Errorf("command the curator: %w", err)
	}
	return func() (float64, error) {
		if err := c.answer(); err != nil {
			return 0, err
		}
		var changed float64
		if _, err := fmt.Sscanf(c.answers.Text(), "ok %g", &changed); err != nil {
			return 0, fmt.Errorf("read how many nodes the curator changed: %w", err)
		}
		return changed / seconds, nil
	}, nil
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
	_ = c.cmd.Wait()         // reports that it was killed
}
