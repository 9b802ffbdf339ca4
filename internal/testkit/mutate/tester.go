package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// outcome is what became of a mutant.
type outcome string

const (
	killed   outcome = "killed"
	timedOut outcome = "killed by time"
	survived outcome = "survived"
	broken   outcome = "did not compile"
	untested outcome = "not tested"
)

// tester runs the tests of packages on mutants of one of them.
type tester struct {
	module string
	suites []suite
	work   string // a directory of ours
}

// suite is the tests of a package, and how long they may take.
type suite struct {
	dir   string
	limit time.Duration
}

// allowance is what tests may take longer than thrice their time without a
// mutant: other load comes and goes.
const allowance = 10 * time.Second

// newTester runs the tests without a mutant: they have to pass, and it shows how
// long they take.
func newTester(ctx context.Context, p *pkg, also []string, work string) (*tester, error) {
	t := &tester{module: p.Module.Dir, work: work}
	dirs := []string{p.Dir}
	for _, pattern := range also {
		dirs = append(dirs, filepath.Join(p.Module.Dir, pattern))
	}
	for _, dir := range dirs {
		if err := t.build(ctx, dir, nil); err != nil {
			return nil, err
		}
		s := suite{dir: dir, limit: 10 * time.Minute}
		since := time.Now()
		out, v, err := t.run(ctx, s)
		switch {
		case err != nil:
			return nil, err
		case v != survived:
			return nil, fmt.Errorf("the tests in %s fail without a mutant:\n%s", dir, out)
		}
		s.limit = 3*time.Since(since) + allowance
		t.suites = append(t.suites, s)
	}
	return t, nil
}

// test runs one package's tests after the other's, until some fail.
func (t *tester) test(ctx context.Context, m *mutant) (outcome, error) {
	for _, s := range t.suites {
		if err := t.build(ctx, s.dir, m); errors.Is(err, errBroken) {
			return broken, nil
		} else if err != nil {
			return "", err
		}
		if _, v, err := t.run(ctx, s); err != nil || v != survived {
			return v, err
		}
	}
	return survived, nil
}

var errBroken = errors.New("does not compile")

func (t *tester) binary() string { return filepath.Join(t.work, "test") }

// build compiles the tests of a package, with a mutant if there is one.
func (t *tester) build(ctx context.Context, dir string, m *mutant) error {
	args := []string{"test", "-c", "-p", "1", "-ldflags=-s -w", "-o", t.binary()}
	if m != nil {
		overlay, err := t.overlay(m)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	_, err := goCommand(ctx, dir, append(args, ".")...)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	if _, err := os.Stat(t.binary()); err != nil {
		return fmt.Errorf("%s has no tests", dir)
	}
	return nil
}

// overlay writes a mutant, and for go the file that it stands for.
func (t *tester) overlay(m *mutant) (path string, err error) {
	changed := filepath.Join(t.work, "mutant.go")
	if err := os.WriteFile(changed, m.text(), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {m.file.path: changed}})
	if err != nil {
		return "", err
	}
	path = filepath.Join(t.work, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// run runs the tests that were built. That they take too long is for the test
// binary to notice, and where a mutant keeps it from that, for us.
func (t *tester) run(ctx context.Context, s suite) (out []byte, v outcome, err error) {
	within, cancel := context.WithTimeout(ctx, s.limit+allowance)
	defer cancel()
	cmd := inSandbox(within, t.work, t.binary(), "-test.short", "-test.failfast", "-test.timeout="+s.limit.String())
	cmd.Dir = s.dir
	out, err = cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return out, "", ctx.Err()
	case err == nil:
		return out, survived, nil
	case within.Err() != nil, strings.Contains(string(out), "panic: test timed out after"):
		return out, timedOut, nil
	case errors.As(err, &exit) && exit.ExitCode() == exitNoSandbox:
		return out, "", fmt.Errorf("%w\n%s", errNoSandbox, out)
	case errors.As(err, &exit):
		return out, killed, nil
	}
	return out, "", fmt.Errorf("%w: %w", errNoSandbox, err)
}
