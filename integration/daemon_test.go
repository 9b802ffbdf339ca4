package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// configFile is where the daemon of a machine finds its configuration.
const configFile = "/etc/nodedns/nodedns.toml"

// moreFlags is the variable with flags for all daemons, such as
// --dns.fast_path=false to see that everything works the other way too.
const moreFlags = "NODEDNS_RUN_FLAGS"

// daemon is a "nodedns run" process on a machine.
type daemon struct {
	m      *machine
	cmd    *exec.Cmd
	log    logbook
	exited chan struct{} // closed when the process has ended
}

// startDaemon starts the daemon, for which the machine's configuration must
// have been written. It is killed when the test ends.
func (m *machine) startDaemon(flags ...string) *daemon {
	m.t.Helper()
	return m.startDaemonAs(nil, flags...)
}

// startDaemonAs starts it as another user.
func (m *machine) startDaemonAs(user *syscall.Credential, flags ...string) *daemon {
	m.t.Helper()
	return m.startDaemonWith(nil, user, flags...)
}

// startDaemonWith starts it with an environment of its own too; nil is ours.
func (m *machine) startDaemonWith(env []string, user *syscall.Credential, flags ...string) *daemon {
	m.t.Helper()
	return m.launchDaemon(env, user, m.start, flags...)
}

// startDaemonUnder starts it as a process of a service manager's unit.
func (m *machine) startDaemonUnder(s *serviceManager, flags ...string) *daemon {
	m.t.Helper()
	return m.launchDaemon(nil, nil, func(cmd *exec.Cmd) error { return s.Start(cmd, m.start) }, flags...)
}

func (m *machine) launchDaemon(env []string, user *syscall.Credential, start func(*exec.Cmd) error, flags ...string) *daemon {
	m.t.Helper()
	d := &daemon{m: m, exited: make(chan struct{})}
	args := append([]string{"run", "--config", configFile}, strings.Fields(os.Getenv(moreFlags))...)
	d.cmd = exec.Command(filepath.Join(binaries, "nodedns"), append(args, flags...)...)
	d.cmd.Env = env
	d.cmd.Stderr, d.cmd.Stdout = &d.log, &d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	must(m.t, start(d.cmd))
	go func() {
		defer close(d.exited)
		_ = d.cmd.Wait() // its state is checked by the caller that waits for the end
	}()
	m.t.Cleanup(func() { d.kill(); d.inspect(m.t) })
	return d
}

// inspect shows the log of a test that failed, and fails one whose daemon
// crashed unnoticed.
func (d *daemon) inspect(t testing.TB) {
	log := d.log.String()
	for _, sign := range []string{"panic:", "fatal error:", "DATA RACE"} {
		if strings.Contains(log, sign) {
			t.Errorf("the daemon's log has %q", sign)
		}
	}
	if t.Failed() {
		t.Logf("log of nodedns on %s:\n%s", d.m.name, log)
	}
}

// kill ends the process with SIGKILL.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // an error means that it has ended
	<-d.exited
}

func (d *daemon) signal(s os.Signal) {
	d.m.t.Helper()
	must(d.m.t, d.cmd.Process.Signal(s))
}

// exit waits for the end of the process and returns its exit status.
func (d *daemon) exit() int {
	d.m.t.Helper()
	select {
	case <-d.exited:
	case <-time.After(patience):
		d.signal(unix.SIGQUIT) // for the goroutines in the log
		d.m.t.Fatal("the daemon does not end")
	}
	return d.cmd.ProcessState.ExitCode()
}

// running fails if the process has ended.
func (d *daemon) running() error {
	select {
	case <-d.exited:
		return fmt.Errorf("the daemon has ended: %s", d.cmd.ProcessState)
	default:
		return nil
	}
}

// logged fails unless the log has this text.
func (d *daemon) logged(text string) error {
	if log := d.log.String(); !strings.Contains(log, text) {
		return fmt.Errorf("the log does not have %q", text)
	}
	return nil
}

// status is what "nodedns status --json" promises.
type status struct {
	NodeID    string   `json:"node_id"`
	State     string   `json:"state"`
	Verdict   verdict  `json:"verdict"`
	Ready     bool     `json:"ready"`
	Errors    []string `json:"errors"`
	Addresses []string `json:"addresses"`
	Serial    uint64   `json:"serial"`
	Nodes     struct {
		Live        int `json:"live"`
		Departed    int `json:"departed"`
		Quarantined int `json:"quarantined"`
	} `json:"nodes"`
	Curator struct {
		State    string `json:"state"`
		Endpoint string `json:"endpoint"`
		// ConnectedSince is empty without a connection.
		ConnectedSince string `json:"connected_since"`
	} `json:"curator"`
	Files []struct {
		Path  string `json:"path"`
		Error string `json:"error"`
	} `json:"files"`
}

// nodedns runs a command of the program on the machine.
func (m *machine) nodedns(args ...string) (string, error) {
	return m.try(filepath.Join(binaries, "nodedns"), args...)
}

// controlSocket is where the daemon of a machine answers the other commands.
const controlSocket = "/run/nodedns/control.sock"

// status queries the machine's daemon.
func (m *machine) status() (s status, err error) { return s, m.readStatus(&s) }

// readStatus is what "nodedns status --json" does, without the process: it is
// polled. That both have the same is TestStatusCommand.
func (m *machine) readStatus(into any) error {
	body, err := m.get("unix", controlSocket, "/v1/status")
	if err != nil {
		return err
	}
	return decodeJSON(string(body), into)
}

// decode runs a command with --json and decodes what it prints.
func (m *machine) decode(into any, args ...string) error {
	out, err := m.nodedns(append(args, "--json", "--config", configFile)...)
	if err != nil {
		return err
	}
	return decodeJSON(out, into)
}

func decodeJSON(text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("%w in %q", err, text)
	}
	return nil
}

// connection fails unless the daemon is connected to its curator, or is not.
func (m *machine) connection(want bool) error {
	s, err := m.status()
	if err != nil {
		return err
	}
	if (s.Curator.State == "connected") != want {
		return fmt.Errorf("the curator's state is %q", s.Curator.State)
	}
	return nil
}

// counts fails unless the daemon has that many nodes.
func (m *machine) counts(live, departed, quarantined int) error {
	s, err := m.status()
	if err != nil {
		return err
	}
	if n := s.Nodes; n.Live != live || n.Departed != departed || n.Quarantined != quarantined {
		return fmt.Errorf("nodes are %+v, want %d live, %d departed, %d quarantined", n, live, departed, quarantined)
	}
	return nil
}

// refuses runs a command of the program, which must fail, and returns its
// message and its exit status.
func (m *machine) refuses(command string) (message string, code int) {
	m.t.Helper()
	_, err := m.nodedns(command, "--config", configFile)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		m.t.Fatalf("nodedns %s: %v, want an exit status", command, err)
	}
	return err.Error(), exit.ExitCode()
}
