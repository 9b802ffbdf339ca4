package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unavailable are the programs of the manual that are not run here, with the
// reason. A block with one of them is left out; that the command lines of
// nodedns in it are right is tested beside the commands.
var unavailable = map[string]string{
	"systemctl": "needs systemd",
	"apt-get":   "would change the machine",
	"go":        "the programs were built for the tests already",
}

// scenes are the machines that the commands of pages are run on. All others are
// for a node with the packaged configuration, on which nothing was started.
var scenes = map[string]func(t *testing.T) (m *machine, path string){
	tutorial:             newDesk,
	"migration.md":       newResolved,
	"operations.md":      newEnabled,
	"recipes.md":         newListed,
	"ten-machines.md":    newFleet,
	"troubleshooting.md": newEnabled,
}

// The manual's commands do what it shows.
func TestManual(t *testing.T) {
	t.Parallel()
	needSandbox(t, "bash", "dnsmasq")
	pages, err := filepath.Glob("../docs/*.md")
	must(t, err)
	if len(pages) == 0 {
		t.Fatal("there are no pages")
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		must(t, err)
		if all := steps(string(text)); len(all) > 0 && filepath.Base(page) != tutorial {
			t.Run(filepath.Base(page), func(t *testing.T) {
				t.Parallel()
				follow(t, filepath.Base(page), all)
			})
		}
	}
}

// tutorial is the page that takes longest. It is not among the others, because
// those begin when all tests that are not parts of one have begun.
const tutorial = "tutorial.md"

func TestTutorial(t *testing.T) {
	t.Parallel()
	needSandbox(t, "bash")
	text, err := os.ReadFile(filepath.Join("../docs", tutorial))
	must(t, err)
	all := steps(string(text))
	if len(all) == 0 {
		t.Fatal("the page has no commands")
	}
	follow(t, tutorial, all)
}

// follow runs what a page shows, in its order.
func follow(t *testing.T, page string, all []step) {
	scene := scenes[page]
	if scene == nil {
		scene = newInstalled
	}
	m, path := scene(t)
	s, known := m.newShell(path+":"+binaries+":"+os.Getenv("PATH")), names{}
	for _, typed := range all {
		what := fmt.Sprintf("line %d of %s: %s", typed.line, page, typed.command)
		if why := notHere(typed.command); why != "" {
			t.Logf("%s: is not run: %s", what, why)
			continue
		}
		eventually(t, what, func() error {
			printed, ok, err := s.types(typed.command)
			must(t, err)
			switch {
			case len(typed.output) == 0 && !ok:
				t.Fatalf("%s: failed:\n%s", what, printed)
			case len(typed.output) > 0 && !known.matches(typed.output, printed):
				// Changes in a cluster take time, so the output is checked
				// again.
				return fmt.Errorf("the page shows\n%s\nit printed\n%s", strings.Join(typed.output, "\n"), printed)
			}
			return nil
		})
	}
}

// notHere returns why a command is not run, or nothing.
func notHere(command string) string {
	for line := range strings.SplitSeq(command, "\n") {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if why := unavailable[word]; why != "" {
			return word + " " + why
		}
	}
	return ""
}

// newDesk is a machine with nothing on it.
func newDesk(t *testing.T) (m *machine, path string) {
	return newMachine(t, "desk"), ""
}

// newInstalled is a node of a cluster as packages leave it. The server in its
// resolv.conf has www.example.
func newInstalled(t *testing.T) (m *machine, path string) {
	l := newLAN(t)
	startDNSMasq(l.router, routerV4, "--local=/example/", "--host-record=www.example,192.0.2.10")
	c := &cluster{lan: l, curator: newCurator(l, "curator")}
	n, peer := newNode(l, "node"), newNode(l, "peer")
	n.address()
	must(t, os.Chmod(n.path(keyFile), 0o600))
	n.write(configFile, packaged(t))
	n.write("/etc/nodedns/nodedns.d/10-node.toml", follows(c.curator)+"\n")
	n.write(resolvConf, "nameserver "+routerV4+"\n")
	c.curator.enrol(n)
	c.register(n, peer)
	return n.machine, n.systemd()
}

// newEnabled is such a node with everything switched on.
func newEnabled(t *testing.T) (m *machine, path string) {
	m, path = newInstalled(t)
	m.run("env", "PATH="+path+":"+os.Getenv("PATH"), filepath.Join(binaries, "nodedns"), "enable", "--yes")
	return m, path
}

// newResolved is such a node with the files of systemd-resolved, as they are once
// that has been stopped.
func newResolved(t *testing.T) (m *machine, path string) {
	m, path = newInstalled(t)
	m.run("mkdir", "/run/systemd/resolve")
	m.run("sh", "-c", "echo nameserver "+routerV4+" >/run/systemd/resolve/resolv.conf")
	must(t, os.Remove(m.path(resolvConf)))
	must(t, os.Symlink("/run/systemd/resolve/stub-resolv.conf", m.path(resolvConf)))
	return m, path
}
