package nodedns_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/nodedns/nodedns"

// layers lists the parts of the module and what each may import of the others,
// tests apart: data goes one way, and so do imports.
var layers = []struct {
	part  string
	below []string
}{
	{"cmd", []string{"cmd", "metrics", "", "verdict", "resolver", "watchers", "zone/hostsfile", "zone/changelog", "zone"}},
	{"metrics", []string{"", "verdict", "resolver", "watchers"}},
	{"integration", nil},
	{"", []string{"verdict", "resolver", "watchers", "zone/hostsfile", "zone/changelog", "zone"}},
	{"resolver", []string{"resolver", "zone"}},
	{"watchers", []string{"watchers", "zone"}},
	{"zone/hostsfile", []string{"zone/hostsfile", "zone"}},
	{"zone/changelog", []string{"zone"}},
	{"verdict", []string{"resolver", "watchers", "zone/hostsfile", "zone/changelog", "zone"}},
	{"zone", nil},
	{leaves, nil},
	{kit, []string{kit}},
}

// leaves are the packages that every part may import, and that import no part
// but each other: all but the zone, which needs the standard library only.
const leaves = "internal"

// kit is for tests, and nothing that is built imports it. Its fake name
// servers know the wire format.
const kit = "internal/testkit"

// partOf finds the part of the module that a directory belongs to.
func partOf(dir string) string {
	for _, part := range []string{"zone/hostsfile", "zone/changelog", kit} {
		if dir == part || strings.HasPrefix(dir, part+"/") {
			return part
		}
	}
	first, _, _ := strings.Cut(dir, "/")
	return strings.TrimPrefix(first, ".")
}

func TestImportRule(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for file, imports := range sourceFiles(t) {
		part := partOf(path.Dir(file))
		seen[part] = true
		for _, imported := range imports {
			if why := forbidden(part, imported); why != "" {
				t.Errorf("%s imports %s: %s", file, imported, why)
			}
		}
	}
	for _, layer := range layers {
		if layer.part != "integration" && !seen[layer.part] {
			t.Errorf("no file of part %q was looked at: the rule checks nothing there", layer.part)
		}
	}
}

// forbidden returns why a part must not import a package, or nothing.
func forbidden(part, imported string) string {
	within, ours := strings.CutPrefix(imported, module)
	within = strings.TrimPrefix(within, "/")
	switch {
	case ours && part != kit && partOf(within) == kit:
		return "only tests may"
	case ours && part != "zone" && partOf(within) == leaves:
		return ""
	case ours && !slices.Contains(below(part), partOf(within)):
		return "data would flow back; see docs/architecture.md"
	case imported == "github.com/miekg/dns" && part != "resolver" && part != kit:
		return "only package resolver knows the wire format"
	case part == "zone" && !ours && strings.Contains(imported, "."):
		return "the zone needs the standard library only"
	}
	return ""
}

func below(part string) []string {
	for _, layer := range layers {
		if layer.part == part {
			return layer.below
		}
	}
	return nil
}

// isModule reports whether dir is a module of its own, which the rule is not
// about.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// sourceFiles maps each Go file that is not a test to what it imports.
func sourceFiles(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	for _, name := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = nil
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = append(files[name], imported)
		}
	}
	return files
}

// goFiles are the paths of all Go files of the module, in their order.
func goFiles(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || isModule(name)):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, ".go"):
			paths = append(paths, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
