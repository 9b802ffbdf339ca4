package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a server may take to answer for all its nodes.
const patience = 3 * time.Minute

// server is a running peer. It leads a process group, whose processes count as
// the server.
type server struct {
	bench   *bench
	peer    *peer
	site    *site
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	exited  chan struct{} // closed when the process has ended
	curator *curator      // nil without
}

// launch starts a peer for a site whose dir and port it chooses, on the server's
// CPU or, with two cores, on the load's too, and waits until it answers.
func (b *bench) launch(p *peer, s site) (*server, error) {
	if why := b.shelf.Missing[p.name]; why != "" {
		return nil, errors.New(why)
	}
	b.launched++
	s.port = 10_000 + b.launched
	s.dir = filepath.Join(b.shelf.Dir, "run", fmt.Sprintf("%s-%d", p.name, b.launched))
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	cmd, err := p.start(b.shelf, &s)
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", p.name, err)
	}
	sv := &server{bench: b, peer: p, site: &s, cmd: cmd, exited: make(chan struct{})}
	if err := sv.begin(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	if err := sv.ready(); err != nil {
		logEnd := sv.logEnd()
		sv.stop()
		return nil, fmt.Errorf("start %s: %w: %s", p.name, err, logEnd)
	}
	return sv, nil
}

// begin starts the process.
func (s *server) begin() error {
	log, err := os.Create(s.site.file("log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.site.dir, log, log
	if s.cmd.SysProcAttr == nil {
		s.cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	s.cmd.SysProcAttr.Setpgid = true
	s.cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	cpus := []int{s.bench.settings.server}
	if s.site.cores > 1 {
		cpus = append(cpus, s.bench.settings.load)
	}
	if err := s.bench.on(cpus, s.cmd.Start); err != nil {
		return err
	}
	go func() {
		defer close(s.exited)
		_ = s.cmd.Wait() // the caller that waits for the end checks its state
	}()
	return nil
}

// ready waits until the server answers as it will in the measurement.
func (s *server) ready() error {
	name := cachedName(0)
	if s.site.nodes > 0 {
		name = s.site.naming.node(0)
	}
	return eventually("it answers", func() error {
		select {
		case <-s.exited:
			return errEnded
		default:
			return s.answers(name)
		}
	})
}

// answers fails unless the server has an address of this name.
func (s *server) answers(name string) error {
	conn, err := net.Dial("udp4", fmt.Sprintf("127.0.0.1:%d", s.site.port))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write(query(name, typeA)); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	reply := make([]byte, 512)
	n, err := conn.Read(reply)
	if err == nil && s.peer != echo && (n < 12 || reply[3]&0x0f != 0 || reply[7] == 0) {
		err = fmt.Errorf("no address of %s in its reply", name)
	}
	return err
}

var errEnded = errors.New("it has ended")

// eventually tries until it succeeds, the server has ended, or patience has.
func eventually(what string, try func() error) error {
	end := time.Now().Add(patience)
	for {
		err := try()
		if err == nil || errors.Is(err, errEnded) {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %v: %w", what, patience, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// logEnd is the end of the server's log.
func (s *server) logEnd() string {
	text, err := os.ReadFile(s.site.file("log"))
	if err != nil {
		return err.Error()
	}
	return lastLines(string(text))
}

// stop ends the server and all processes of its group.
func (s *server) stop() {
	_ = unix.Kill(-s.cmd.Process.Pid, unix.SIGKILL) // an error means that they have ended
	<-s.exited
	if s.curator != nil {
		s.curator.stop()
	}
	_ = unix.Unmount("/etc/hosts", unix.MNT_DETACH) // an error means that it isn't ours
	_ = os.RemoveAll(s.site.dir)
}

// on has a process started on these CPUs only.
func (b *bench) on(cpus []int, start func() error) error {
	var before, set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin to the CPUs %v; choose others by -server-cpu and -load-cpu: %w", cpus, err)
	}
	err := start()
	if err := unix.SchedSetaffinity(0, &before); err != nil {
		return fmt.Errorf("undo the pinning: %w", err)
	}
	return err
}

// pinned has a process started on one CPU only.
func (b *bench) pinned(cpu int, start func() error) error { return b.on([]int{cpu}, start) }
