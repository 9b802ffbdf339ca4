package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// sources is where the bench's own programs are, below the module.
const sources = "integration/peers"

// buildC builds the C program of that directory.
func buildC(s *shelf, name string) error {
	files, err := filepath.Glob(filepath.Join(s.Repo, sources, name, "*.c"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no C files in %s/%s", sources, name)
	}
	_, err = output(exec.Command("gcc", append([]string{"-O2", "-Wall", "-Wextra", "-o", s.bin(name)}, files...)...))
	return err
}

// buildGo builds a package that is below the module, or in a module there, as
// packages are built: without what is for debuggers.
func buildGo(s *shelf, name, dir string) error {
	_, err := output(exec.Command("go", "build", "-C", filepath.Join(s.Repo, dir), "-ldflags=-s -w", "-o", s.bin(name), "."))
	return err
}

// scratch is a module that exists to build one program.
type scratch struct {
	module  string // with its version
	program string // the text of main.go
}

// build builds the module again if the program is not there, or is of another
// version.
func (m scratch) build(s *shelf, name string) error {
	dir := filepath.Join(s.Dir, "scratch", name)
	stamp := filepath.Join(dir, "built")
	if text, err := os.ReadFile(stamp); err == nil && string(text) == m.module+m.program {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(m.program), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"mod", "init", "scratch"},
		{"get", m.module},
		{"build", "-mod=mod", "-o", s.bin(name), "."},
	} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return os.WriteFile(stamp, []byte(m.module+m.program), 0o644)
}
