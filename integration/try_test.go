package integration

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newcomer is an ordinary user in front of a shell: nobody on a machine of its
// own, or without a sandbox the user that runs the tests.
type newcomer struct {
	t     testing.TB
	start func(*exec.Cmd) error
	user  *syscall.Credential
	tmp   string
}

func newNewcomer(t testing.TB) *newcomer {
	t.Helper()
	must(t, readTree())
	// A socket goes there, whose path must be shorter than t.TempDir makes it.
	tmp, err := os.MkdirTemp("", "try-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(tmp)) })
	if outside != "" {
		return &newcomer{t: t, start: (*exec.Cmd).Start, tmp: tmp}
	}
	must(t, os.Chown(tmp, int(nobody.Uid), int(nobody.Gid)))
	return &newcomer{t: t, start: newMachine(t, "desktop").start, user: nobody, tmp: tmp}
}

// types starts a command line that was copied from a screen.
func (u *newcomer) types(line string, screen *logbook) *exec.Cmd {
	u.t.Helper()
	cmd := exec.Command("sh", "-c", "exec "+line)
	cmd.Dir = u.tmp
	cmd.Env = []string{"PATH=" + binaries + ":" + os.Getenv("PATH"), "TMPDIR=" + u.tmp, "HOME=/nonexistent"}
	cmd.Stdout, cmd.Stderr = screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.user}
	must(u.t, u.start(cmd))
	return cmd
}

// sees types a command line that ends, and returns what it prints.
func (u *newcomer) sees(line string) (string, error) {
	u.t.Helper()
	var screen logbook
	err := u.types(line, &screen).Wait()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", line, err, &screen)
	}
	return screen.String(), err
}

// Every instruction of "nodedns try" works, and nothing of it is left.
func TestTry(t *testing.T) {
	t.Parallel()
	u := newNewcomer(t)
	var screen logbook
	try := u.types("nodedns try", &screen)
	ended := make(chan error, 1)
	go func() { ended <- try.Wait() }()
	t.Cleanup(func() {
		_ = try.Process.Kill() // an error means that it has ended
		if t.Failed() {
			t.Logf("nodedns try printed:\n%s", &screen)
		}
	})

	var commands []string
	eventually(t, "it prints what to type", func() error {
		commands = advice(screen.String())
		if len(commands) < 2 {
			return fmt.Errorf("found the commands %q", commands)
		}
		return nil
	})
	if !strings.HasPrefix(commands[0], "nodedns query ") || !strings.HasPrefix(commands[1], "dig ") {
		t.Fatalf("the commands are %q, want nodedns query and dig", commands)
	}
	out, err := u.sees(commands[0])
	must(t, err)
	if !strings.Contains(out, "metropolis-") {
		t.Errorf("%s prints no node: %s", commands[0], out)
	}
	if _, err := exec.LookPath("dig"); err == nil {
		out, err := u.sees(commands[1])
		must(t, err)
		if r := parseReply(out); !strings.Contains(commands[1], "+short") && r.status != "NOERROR" {
			t.Errorf("%s prints %s", commands[1], out)
		}
	}
	hosts := regexp.MustCompile(regexp.QuoteMeta(u.tmp) + `/\S*hosts\b`).FindString(screen.String())
	eventually(t, "the hosts file has nodes", func() error {
		text, err := os.ReadFile(hosts)
		if err == nil && !strings.Contains(string(text), " metropolis-") {
			err = fmt.Errorf("%s has no nodes: %s", hosts, text)
		}
		return err
	})

	for _, event := range []string{"joined with", "moved from", "left"} {
		eventually(t, "a node "+event, func() error {
			if !strings.Contains(screen.String(), event) {
				return fmt.Errorf("the screen does not say so")
			}
			return nil
		})
	}

	must(t, try.Process.Signal(unix.SIGINT))
	if err := <-ended; err != nil {
		t.Errorf("Ctrl-C: %v, want exit status 0", err)
	}
	left, err := os.ReadDir(u.tmp)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// advice finds the command lines on a screen: lines of their own, whatever
// prompt or indent they have.
func advice(screen string) []string {
	var commands []string
	for line := range strings.Lines(screen) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		for _, program := range []string{"nodedns ", "dig "} {
			if strings.HasPrefix(line, program) {
				commands = append(commands, line)
			}
		}
	}
	return slices.Compact(commands)
}
