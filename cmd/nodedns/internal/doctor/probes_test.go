package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
)

func TestRealProbes(t *testing.T) {
	t.Parallel()
	probes := RealProbes(t.Context(), "/somewhere")
	if probes.Unit != nil || probes.Synchronized != nil {
		t.Error("with a root this machine's services and clock are asked")
	}
	dir := t.TempDir()
	if d, err := probes.Disk(dir); err != nil || d.ReadOnly {
		t.Errorf("got %+v, %v of a directory that can be written", d, err)
	}
	if _, err := probes.Disk(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v of what does not exist", err)
	}
	if probes.Immutable(dir) {
		t.Error("a temporary directory is immutable")
	}
	// Whatever it returns, it must not fail where it may be called.
	_, err := RealProbes(t.Context(), "").Synchronized()
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

// Missing rights are reported as such, and not as something wrong.
func TestWithoutRights(t *testing.T) {
	t.Parallel()
	p := healthy(t)
	denied := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
	p.IdentityError, p.StatusError = fmt.Errorf("read: %w", denied), denied
	p.Status = nil
	p.note("the key", denied)
	p.note("the key", denied)
	findings := Examine(p.Input)
	left := 0
	for _, f := range findings {
		if f.Check == unseen {
			left++
		}
		if f.Severity == Problem {
			t.Errorf("found %+v", f)
		}
	}
	if left != 3 {
		t.Errorf("%d findings on what could not be looked at, want 3: %+v", left, findings)
	}
}
