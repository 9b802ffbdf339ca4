package packaging

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/nodedns/nodedns/internal/testkit"
)

// What the versions are that the tests build, as tags of the repository.
const (
	older = "0.1.0"
	newer = "0.2.0"
)

// workshop is the directory in which all is built. It is set by TestMain.
var workshop string

func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		dir, err := os.MkdirTemp("", "nodedns-packaging-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(dir)
		workshop = dir
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
	}
	os.Exit(code)
}

// products are the directories with the packages: of the newer version, and with
// NODEDNS_FULL=1 of the older one for this machine alone, and of the newer one
// once more, in another directory.
type products struct{ older, newer, again string }

var build = sync.OnceValues(func() (p products, err error) {
	p = products{filepath.Join(workshop, "older"), filepath.Join(workshop, "newer"), filepath.Join(workshop, "again")}
	here, elsewhere := filepath.Join(workshop, "here"), filepath.Join(workshop, "elsewhere")
	if err := repository(here); err != nil {
		return p, err
	}
	steps := [][]string{
		{"git", "-C", here, "tag", "v" + newer},
		{filepath.Join(here, "packaging/build"), p.newer, runtime.GOARCH},
	}
	if testkit.Full() {
		steps = everything(p, here, elsewhere)
	}
	for _, step := range steps {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			return p, fmt.Errorf("%s: %w: %s", strings.Join(step, " "), err, out)
		}
	}
	return p, nil
})

// everything is how all packages are built.
func everything(p products, here, elsewhere string) [][]string {
	return [][]string{
		{"git", "-C", here, "tag", "v" + older},
		{filepath.Join(here, "packaging/build"), p.older, runtime.GOARCH},
		{"git", "-C", here, "tag", "-d", "v" + older},
		{"git", "-C", here, "tag", "v" + newer},
		{filepath.Join(here, "packaging/build"), p.newer},
		{"git", "clone", "-q", here, elsewhere},
		{filepath.Join(elsewhere, "packaging/build"), p.again},
	}
}

// repository makes one of the present tree, with what is not committed yet.
func repository(dir string) error {
	files, err := exec.Command("git", "-C", "..", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("list the files of the project: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(files), "\x00"), "\x00") {
		if err := copyFile(filepath.Join("..", name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "-A"},
		{"-c", "user.name=nodedns", "-c", "user.email=nodedns@localhost", "commit", "-q", "-m", "the tree"},
	} {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// copyFile reads by ourselves, so that the go command knows what a test result
// depends on. What is listed but gone is to be removed by the next commit.
func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode())
}

// built returns the packages, or skips the test.
func built(t *testing.T) products {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long: builds the packages, run it without -short")
	}
	if _, err := exec.LookPath("git"); err != nil {
		testkit.Skip(t, "needs git")
	}
	if _, err := os.Stat("../.git"); err != nil {
		testkit.Skip(t, "needs a git checkout: the version comes from there")
	}
	p, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// find returns the one package in a directory whose name ends so.
func find(t *testing.T, dir, suffix string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(found) != 1 {
		t.Fatalf("packages *%s in %s: %v, error %v", suffix, dir, found, err)
	}
	return found[0]
}

// deb is the package for this machine.
func deb(t *testing.T, dir string) string {
	t.Helper()
	return find(t, dir, dpkg.suffix)
}

// TestReproducible compares two builds of one commit, in different directories.
func TestReproducible(t *testing.T) {
	t.Parallel()
	testkit.Long(t)
	p := built(t)
	packages, err := os.ReadDir(p.newer)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) != 4 {
		t.Errorf("there are %d packages, want .deb and .rpm for amd64 and arm64", len(packages))
	}
	for _, pkg := range packages {
		first, err := os.ReadFile(filepath.Join(p.newer, pkg.Name()))
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(p.again, pkg.Name()))
		if err != nil || string(first) != string(second) {
			t.Errorf("%s: the second build differs (error %v)", pkg.Name(), err)
		}
	}
}
