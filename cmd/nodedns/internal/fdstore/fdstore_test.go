package fdstore_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/nodedns/nodedns/cmd/nodedns/internal/fdstore"
	"github.com/nodedns/nodedns/internal/testkit/manager"
)

// taskVar has this test binary be a process of the unit, for a task.
const taskVar = "NODEDNS_FDSTORE_TASK"

func TestMain(m *testing.M) {
	if task := os.Getenv(taskVar); task != "" {
		if err := perform(task, fdstore.New()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func perform(task string, s *fdstore.Store) error {
	switch task {
	case "keep":
		one, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		two, err := net.ListenPacket("udp", one.Addr().String())
		if err != nil {
			return err
		}
		fmt.Print(one.Addr())
		if err := s.Keep("a b", one.(*net.TCPListener), two.(*net.UDPConn)); err != nil {
			return err
		}
		return s.Settle()
	case "list":
		for _, file := range s.Inherited() {
			listener, err := net.FileListener(file)
			if err != nil {
				continue // that of UDP
			}
			fmt.Print(file.Name(), "=", listener.Addr())
		}
		return nil
	case "discard":
		return s.Discard("a b")
	case "use":
		fmt.Print(s.IsUseful())
		return nil
	case "abandon":
		return s.Abandon()
	}
	return fmt.Errorf("no task %q", task)
}

// run has a process of the unit perform a task, and returns what it writes.
func run(t *testing.T, m *manager.Manager, task string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{taskVar + "=" + task}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if m == nil {
		err = cmd.Start()
	} else {
		err = m.Start(cmd, (*exec.Cmd).Start)
	}
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		t.Fatalf("%s: %v: %s", task, err, &stderr)
	}
	return stdout.String()
}

// Each process of the unit gets what those before it have kept, until it is
// discarded. At the end of the process that did so, it is.
func TestKeptOverProcesses(t *testing.T) {
	t.Parallel()
	for _, last := range []string{"discard", "abandon"} {
		t.Run(last, func(t *testing.T) {
			t.Parallel()
			m := manager.New(t)
			addr := run(t, m, "keep")
			if got, want := m.Kept(), []string{"a b", "a b"}; !slices.Equal(got, want) {
				t.Fatalf("kept: %q, want %q", got, want)
			}
			for range 2 {
				if got, want := run(t, m, "list"), "a b="+addr; got != want {
					t.Errorf("inherited %q, want %q", got, want)
				}
			}
			run(t, m, last)
			if got := m.Kept(); len(got) != 0 {
				t.Errorf("kept: %q, want nothing", got)
			}
			if conn, err := net.Dial("tcp", addr); err == nil {
				conn.Close()
				t.Error("the socket is still open")
			}
		})
	}
}

func TestWithoutServiceManager(t *testing.T) {
	t.Parallel()
	for _, task := range []string{"keep", "list", "discard", "abandon"} {
		run(t, nil, task)
	}
	if got := run(t, nil, "use"); got != "false" {
		t.Errorf("the store is of use: %s", got)
	}
	if got := run(t, manager.New(t), "use"); got != "true" {
		t.Errorf("with a service manager the store is of use: %s", got)
	}
}

// A service manager that does not answer costs a wait that ends, and one that is
// gone none.
func TestServiceManagerGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", t.TempDir()+"/none")
	s := fdstore.New()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := s.Keep("a", file); err == nil {
		t.Error("kept by none")
	}
	if err := s.Discard("a"); err == nil {
		t.Error("discarded by none")
	}
}

// What could not be discarded is, once the service manager is there again.
func TestAbandonTriesAgain(t *testing.T) {
	m := manager.New(t)
	t.Setenv("NOTIFY_SOCKET", m.Path)
	s := fdstore.New()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := errors.Join(s.Keep("a", file), s.Settle(), os.Rename(m.Path, m.Path+".away")); err != nil {
		t.Fatal(err)
	}
	if err := s.Discard("a"); err == nil {
		t.Error("discarded without a service manager")
	}
	if err := errors.Join(os.Rename(m.Path+".away", m.Path), s.Abandon()); err != nil {
		t.Error(err)
	}
	if names := m.Kept(); len(names) > 0 {
		t.Errorf("kept: %q, want nothing", names)
	}
}
