package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// unpack has the Debian package and those that it needs and the machine lacks
// downloaded and unpacked into a directory of their own. Nothing is installed:
// some of them would take over resolv.conf, others start a service.
func (s *shelf) unpack(name string) error {
	dir := s.root(name)
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	archives := s.archives(name)
	if err := os.MkdirAll(filepath.Join(archives, "archives", "partial"), 0o755); err != nil {
		return err
	}
	if _, err := output(exec.Command("apt-get", "install", "--download-only", "--reinstall",
		"--no-install-recommends", "--yes", "--quiet",
		"-o", "Dir::Cache="+archives, "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=",
		name)); err != nil {
		return errors.Join(errors.New("download the package; apt-get update may help"), err)
	}
	packages, err := filepath.Glob(filepath.Join(archives, "archives", "*.deb"))
	if err != nil || len(packages) == 0 {
		return errors.Join(errors.New("apt-get downloaded nothing into "+archives), err)
	}
	// Whatever is in the final directory is complete.
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	for _, file := range packages {
		// The C library has to fit the machine's own loader.
		if strings.HasPrefix(filepath.Base(file), "libc6_") {
			continue
		}
		if _, err := output(exec.Command("dpkg", "-x", file, partial)); err != nil {
			return err
		}
	}
	return os.Rename(partial, dir)
}

// archives is the directory that apt-get uses for a package.
func (s *shelf) archives(name string) string { return filepath.Join(s.Dir, "archives", name) }

// root is the directory that a package was unpacked into.
func (s *shelf) root(name string) string { return filepath.Join(s.Dir, "debian", name) }

// unpacked makes the command of a program of a package, which finds its
// libraries there.
func (s *shelf) unpacked(name, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.root(name), program), args...)
	var libraries []string
	for _, pattern := range []string{"usr/lib/*-linux-gnu", "lib/*-linux-gnu", "usr/lib/*-linux-gnu/systemd", "lib/*-linux-gnu/systemd"} {
		found, _ := filepath.Glob(filepath.Join(s.root(name), pattern)) // the pattern is a good one
		libraries = append(libraries, found...)
	}
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libraries, ":"))
	return cmd
}

// debian is how a peer is obtained that is one package.
func debian(name string) func(*shelf) error {
	return func(s *shelf) error { return s.unpack(name) }
}

// version is that of the package, as its file is called.
func (s *shelf) version(name string) string {
	files, _ := filepath.Glob(filepath.Join(s.archives(name), "archives", name+"_*.deb")) // the pattern is a good one
	if len(files) == 0 {
		return name
	}
	_, version, _ := strings.Cut(filepath.Base(files[0]), "_")
	version, _, _ = strings.Cut(version, "_")
	return name + " " + version
}
