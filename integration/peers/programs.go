package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// shelf is the directory where programs and generated files are kept, and what
// could not be obtained.
type shelf struct {
	Dir  string `json:"-"`
	Repo string // where our module is
	// Missing holds, by name of a peer, why it can't take part.
	Missing map[string]string
}

// theLoad is the name of the program that sends queries.
const theLoad = "load"

// openShelf makes the directory.
func openShelf(dir string) (*shelf, error) {
	for _, sub := range []string{"bin", "debian", "names"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	repo, err := output(exec.Command("go", "list", "-m", "-f", "{{.Dir}}"))
	if err == nil && repo == "" {
		err = errors.New("there is none")
	}
	if err != nil {
		return nil, fmt.Errorf("find the module; run the bench in its directory: %w", err)
	}
	return &shelf{Dir: dir, Repo: repo, Missing: map[string]string{}}, nil
}

// obtain gets the programs of these peers, and of the bench. What fails is
// recorded and reported: the others can do without.
func (s *shelf) obtain(set settings) {
	for _, name := range set.peers {
		s.try(name, peerOf(name).obtain)
	}
	s.try(theLoad, func(s *shelf) error { return buildC(s, theLoad) })
	if slices.Contains(set.rows, rowCache) && !slices.Contains(set.peers, mapserver.name) {
		s.try(mapserver.name, mapserver.obtain)
	}
}

func (s *shelf) try(name string, obtain func(*shelf) error) {
	progress("obtaining %s", name)
	if err := obtain(s); err != nil {
		s.Missing[name] = err.Error()
		progress("%s can't take part: %v", name, err)
	}
}

// bin is where a program is that was built.
func (s *shelf) bin(name string) string { return filepath.Join(s.Dir, "bin", name) }

// state is the file by which the first stage passes its results to the second.
func (s *shelf) state() string { return filepath.Join(s.Dir, "shelf.json") }

func (s *shelf) save() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(s.state(), text, 0o644)
}

// savedShelf is the shelf in the sandbox, where its directory is another one.
func savedShelf(dir string) (*shelf, error) {
	s := &shelf{Dir: dir}
	text, err := os.ReadFile(s.state())
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err == nil && s.Missing[theLoad] != "" {
		err = errors.New("there is no load: " + s.Missing[theLoad])
	}
	return s, err
}

// output runs a command and returns what it prints, without the last newline.
// Its error has the command's own message.
func output(cmd *exec.Cmd) (string, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, lastLines(stderr.String()))
	}
	return strings.TrimSpace(string(out)), err
}

// lastLines is the end of a program's output, on one line.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// progress reports on stderr how far the run is.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "peers: "+format+"\n", args...)
}
