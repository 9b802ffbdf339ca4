package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pkg is a package as go list describes it, with its files.
type pkg struct {
	ImportPath, Dir string
	GoFiles         []string
	Module          struct{ Dir, GoVersion string }
	files           []*source
	fset            *token.FileSet
	importer        types.Importer
}

// source is a file that mutants are made of.
type source struct {
	name string // relative to the module
	path string
	text []byte
	ast  *ast.File
}

// rel is the directory of the package relative to the module's.
func (p *pkg) rel() string {
	rel, err := filepath.Rel(p.Module.Dir, p.Dir)
	if err != nil {
		return p.Dir
	}
	return rel
}

// load reads the packages that patterns name.
func load(ctx context.Context, dir string, patterns []string) ([]*pkg, error) {
	if len(patterns) == 0 {
		return nil, errors.New("name the packages, as in ./zone")
	}
	out, err := goCommand(ctx, dir, append([]string{"list", "-json=ImportPath,Dir,GoFiles,Module", "--"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var packages []*pkg
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &pkg{fset: token.NewFileSet()}
		if err := list.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read the output of go list: %w", err)
		}
		if err := p.parse(); err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("no packages are named by %s", strings.Join(patterns, " "))
	}
	return packages, nil
}

func (p *pkg) parse() error {
	for _, base := range p.GoFiles {
		f := &source{name: filepath.Join(p.rel(), base), path: filepath.Join(p.Dir, base)}
		var err error
		if f.text, err = os.ReadFile(f.path); err != nil {
			return err
		}
		if f.ast, err = parser.ParseFile(p.fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
			return err
		}
		p.files = append(p.files, f)
	}
	return nil
}

// mutants are all that could be made of the package, whether they compile or not,
// in the order of the code. Generated code has none.
func (p *pkg) mutants() ([]*mutant, error) {
	exports, err := exportData(p.Dir)
	if err != nil {
		return nil, err
	}
	p.importer = importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) {
		file, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("go list knows no package %s", path)
		}
		return os.Open(file)
	})
	return p.candidates(), nil
}

func (p *pkg) candidates() []*mutant {
	var all []*mutant
	for _, f := range p.files {
		if !ast.IsGenerated(f.ast) {
			all = append(all, mutantsOf(p.fset, f)...)
		}
	}
	return all
}

// exportData maps what the package in dir imports, also indirectly, to the files
// that describe it to a type checker.
func exportData(dir string) (map[string]string, error) {
	out, err := goCommand(context.Background(), dir, "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", ".")
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		exports[path] = file
	}
	return exports, nil
}

// compiles reports whether the package with a mutant in it does. The type checker
// finds nearly all that does not, in a fraction of the time of a build.
func (p *pkg) compiles(m *mutant) bool {
	files := make([]*ast.File, 0, len(p.files))
	for _, f := range p.files {
		parsed := f.ast
		if f == m.file {
			var err error
			if parsed, err = parser.ParseFile(p.fset, f.path, m.text(), parser.SkipObjectResolution); err != nil {
				return false
			}
		}
		files = append(files, parsed)
	}
	check := types.Config{Importer: p.importer}
	if p.Module.GoVersion != "" {
		check.GoVersion = "go" + p.Module.GoVersion
	}
	_, err := check.Check(p.ImportPath, p.fset, files, nil)
	return err == nil
}

// shuffle brings mutants into an order that seed and the package alone determine,
// so that a package's sample does not depend on which others are run.
func shuffle(mutants []*mutant, seed uint64, importPath string) {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(importPath))
	r := rand.New(rand.NewPCG(seed, hash.Sum64()))
	r.Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
}

// goCommand returns what a go command prints; its error has what it reports.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, exit.Stderr)
	}
	return out, err
}
